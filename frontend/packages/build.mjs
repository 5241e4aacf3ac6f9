/**
 * Builds the npm packages: an ES module each, its types, its styles; checks them with publint and against their
 * budgets; packs them into `packages/out`. Run by `npm run packages`.
 */

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { minifySync } from 'rolldown/utils'
import { build } from 'vite'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const ROOT = join(HERE, '..')
const OUT = join(HERE, 'out')
const REACT = ['react', 'react-dom', 'react-dom/client', 'react/jsx-runtime']

/** Budgets in KiB after gzip, a twentieth above what was measured last; `shut` are the modules an importing application brings itself. */
const PACKAGES = [
  { name: 'client', entry: 'index.ts', budget: 10.4, shut: REACT },
  { name: 'react', entry: 'index.ts', budget: 73, shut: REACT },
  { name: 'element', entry: 'index.tsx', budget: 67.8, shut: [] },
]

const faults = []
rmSync(OUT, { recursive: true, force: true })
mkdirSync(OUT)
for (const each of PACKAGES) {
  const folder = join(HERE, each.name)
  rmSync(join(folder, 'dist'), { recursive: true, force: true })
  await bundle(each, folder)
  types(each, folder)
  weigh(each, folder)
  pack(each, folder)
  await lint(each, folder)
}
for (const fault of faults) process.stderr.write(`${fault}\n`)
process.exitCode = faults.length > 0 ? 1 : 0

async function bundle({ name, entry, shut }, folder) {
  const isElement = name === 'element'
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    plugins: [react(), ...(isElement ? [withoutStyles()] : [])],
    define: {
      'process.env.NODE_ENV': '"production"',
      ...(isElement ? { __HEADWAY_STYLES__: JSON.stringify(styles().replaceAll(':root', ':host')) } : {}),
    },
    resolve: { alias: isElement ? preact() : [] },
    build: {
      outDir: join(folder, 'dist'),
      target: 'es2022',
      sourcemap: false,
      cssCodeSplit: false,
      minify: isElement,
      lib: { entry: join(folder, 'src', entry), formats: ['es'], fileName: 'index', cssFileName: 'style' },
      rolldownOptions: { external: shut, ...(isElement ? { output: { minify: true } } : {}) },
    },
  })
}

/** Preact in React's place: a tenth of its size, and the page need not have either. */
function preact() {
  return [
    { find: 'react-dom/client', replacement: 'preact/compat/client' },
    { find: 'react/jsx-runtime', replacement: 'preact/jsx-runtime' },
    { find: /^react(-dom)?$/, replacement: 'preact/compat' },
  ]
}

/** The element carries its styles as text, for its shadow root. */
function withoutStyles() {
  return {
    name: 'headway:without-styles',
    enforce: 'pre',
    load: id => (id.endsWith('.css') ? { code: '', moduleType: 'js' } : null),
  }
}

function styles() {
  const folder = join(ROOT, 'src', 'components')
  const files = readdirSync(folder).filter(file => file.endsWith('.css'))
  return files.map(file => readFileSync(join(folder, file), 'utf8')).join('\n')
}

/** Declarations as TypeScript makes them, with the file endings that Node's resolution asks for. */
function types({ entry }, folder) {
  const config = join(folder, 'tsconfig.json')
  const outDir = join(folder, 'dist', 'types')
  writeFileSync(
    config,
    JSON.stringify({
      extends: '../tsconfig.json',
      compilerOptions: { outDir },
      files: [join('src', entry), '../../node_modules/vite/client.d.ts'],
    }),
  )
  const made = spawnSync('npx', ['--no-install', 'tsc', '-p', config], { cwd: ROOT, encoding: 'utf8' })
  rmSync(config)
  if (made.status !== 0) faults.push(`${folder}: types\n${made.stdout}${made.stderr}`)
  for (const file of readdirSync(outDir, { recursive: true })) {
    const path = join(outDir, file)
    if (!path.endsWith('.d.ts')) continue
    const text = readFileSync(path, 'utf8')
      .replace(/^import '[^']*\.css';\n/gm, '')
      .replace(
        /(from|import\()\s*'(\.{1,2}\/[^']*)'/g,
        (_, how, to) => `${how}${how === 'from' ? ' ' : ''}'${to}.js'`,
      )
    writeFileSync(path, text)
  }
}

/** What the package adds to a page: minified, as whoever bundles it does in the end. */
function weigh({ name, budget }, folder) {
  const { code } = minifySync('index.js', readFileSync(join(folder, 'dist', 'index.js'), 'utf8'))
  const size = gzipSync(code).length / 1024
  process.stdout.write(`@headway/${name}: ${size.toFixed(1)} KiB gzip (budget ${budget})\n`)
  if (size > budget) faults.push(`@headway/${name} is above its budget: ${size.toFixed(1)} > ${budget} KiB`)
}

function pack({ name }, folder) {
  const packed = spawnSync('npm', ['pack', '--json', '--pack-destination', OUT], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (packed.status !== 0) throw new Error(packed.stderr)
  renameSync(join(OUT, `headway-${name}-0.1.0.tgz`), join(OUT, `headway-${name}.tgz`))
}

async function lint({ name }, folder) {
  const { messages, pkg } = await publint({ pkgDir: folder, strict: true })
  for (const message of messages) faults.push(`@headway/${name}: ${formatMessage(message, pkg)}`)
}
