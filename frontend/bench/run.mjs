/** `make bench-ui`: our log view and Monitor in real browsers, beside a general virtual list, against their bars. */

import { createReadStream, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { cpus } from 'node:os'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openChromium } from './chromium.mjs'
import { openFeed } from './feed.mjs'
import { openFirefox } from './firefox.mjs'
import { pageOf } from './table.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))
const ROOT = join(HERE, '../..')
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
const MILLION = 1_000_000
const RATE = 10_000
const isQuick = process.argv.includes('--quick')
const SECONDS = isQuick ? 3 : 20

function serve() {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://127.0.0.1').pathname)
    const file = join(HERE, 'dist', path === '/' ? 'index.html' : path)
    if (!existsSync(file)) return response.writeHead(404).end()
    response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' })
    createReadStream(file).pipe(response)
  })
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)))
}

const median = values => {
  const known = values.filter(value => value !== null).sort((a, b) => a - b)
  return known.length < values.length / 2 ? null : known[Math.floor(known.length / 2)]
}

/** One subject with a log of so many lines; what it never shows is `null`. */
async function measure(browser, subject, lines) {
  await browser.call('prepare', lines)
  const base = browser.heap ? await browser.heap() : null
  const tail = await browser.call('mount', subject)
  const heap = browser.heap ? await browser.heap() : null
  const line = median(await browser.call('jump', isQuick ? 3 : 20))
  const end = await browser.call('toEnd')
  const wheel = await browser.call('wheel', 60)
  const busy = browser.busy ?? (work => work())
  const follow = await busy(() => browser.call('follow', SECONDS, RATE))
  return { browser: browser.name, subject, lines, tail, line, end, wheel, follow, heap, data: base }
}

/** The whole Monitor on a feed of one mode; busy is what its main thread was while events came. */
async function measureMonitor(server, browser, mode) {
  const feed = openFeed(server, RATE, SECONDS)
  const flow = await browser.busy(() => browser.call('monitor', `/${mode}/`, SECONDS))
  const shown = await browser.call('monitorEnd')
  feed.close()
  return { mode, ...flow, shown, ...feed.sent }
}

async function inPage(open, url, work) {
  const browser = await open(url)
  if (!browser) return null
  try {
    return await work(browser)
  } finally {
    await browser.close()
  }
}

async function main() {
  const server = await serve()
  const url = `http://127.0.0.1:${server.address().port}/`
  const rows = []
  const plan = [
    ['headway', MILLION],
    ['react-virtual', MILLION],
    ['headway', 3 * MILLION],
    ['react-virtual', 3 * MILLION],
  ]
  for (const open of [openChromium, openFirefox])
    for (const [subject, lines] of plan) {
      if (isQuick && open === openFirefox && lines === MILLION) continue
      process.stdout.write(
        `· ${subject}, ${lines.toLocaleString('en')} lines, ${open === openFirefox ? 'Firefox' : 'Chromium'}\n`,
      )
      const row = await inPage(open, url, browser => measure(browser, subject, lines))
      if (row) rows.push(row)
    }
  const search = await inPage(openChromium, url, async browser => {
    await browser.call('prepare', MILLION)
    return browser.call('search', 'item #98765')
  })
  const pages = []
  for (const mode of ['rich', 'simple']) {
    process.stdout.write(`· the whole Monitor, ${mode} mode\n`)
    pages.push(await inPage(openChromium, url, browser => measureMonitor(server, browser, mode)))
  }
  server.close()
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores`
  const results = {
    at: new Date().toISOString(),
    machine,
    seconds: SECONDS,
    rate: RATE,
    quick: isQuick,
    rows,
    search,
    pages,
  }
  mkdirSync(join(ROOT, 'bench/results'), { recursive: true })
  writeFileSync(join(ROOT, 'bench/results/ui.json'), `${JSON.stringify(results, null, 2)}\n`)
  const text = pageOf(results)
  writeFileSync(join(ROOT, 'docs/benchmarks-ui.md'), text)
  process.stdout.write(`\n${text}`)
}

await main()
