/** The examples of embedding, installed from the packed packages and served from an origin of their own. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../../..')
const EXAMPLES = join(ROOT, 'examples/embed')
const BIN = join(ROOT, 'backend/.venv/bin')
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

/** Install an example as its README says; the packages have been packed before. */
export function install(example: 'html' | 'react'): string {
  const folder = join(EXAMPLES, example)
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true })
  npm(folder, 'install', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error')
  return folder
}

export function npm(folder: string, ...args: string[]): void {
  execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** A plain file server: another origin than Headway's. */
export class FileServer {
  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async start(): Promise<{ files: FileServer; serve: (folder: string) => void }> {
    let root = ''
    const server = createServer((request, response) => {
      const path = normalize(new URL(request.url ?? '/', 'http://x').pathname)
      const file = path.endsWith('/') ? `${path}index.html` : path
      try {
        const content = readFileSync(join(root, file))
        response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
        response.end(content)
      } catch {
        response.writeHead(404).end()
      }
    })
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const files = new FileServer(`http://127.0.0.1:${port}`, server)
    return {
      files,
      serve: folder => {
        root = folder
      },
    }
  }

  stop(): void {
    this.server.close()
    this.server.closeAllConnections()
  }
}

/** The FastAPI example with its workers, on a database of their own. */
export class Mounted {
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly processes: readonly ChildProcess[],
  ) {}

  static async start(): Promise<Mounted> {
    const folder = mkdtempSync(join(tmpdir(), 'headway-mounted-'))
    const env = { ...process.env, HEADWAY_DATABASE: `sqlite:///${join(folder, 'headway.db')}` }
    const { files } = await FileServer.start() // finds a free port
    const url = files.url
    files.stop()
    const run = (name: string, ...args: string[]) =>
      spawn(join(BIN, name), args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
    const mounted = new Mounted(url, folder, [
      run(
        'uvicorn',
        '--app-dir',
        join(EXAMPLES, 'fastapi'),
        'app:app',
        '--port',
        new URL(url).port,
        '--log-level',
        'warning',
      ),
      run('headway', 'work', join(ROOT, 'examples/quickstart.py'), '--log-level', 'warning'),
    ])
    for (let tries = 0; tries < 300 && !(await answers(`${url}/login`)); tries++)
      await new Promise(done => setTimeout(done, 100))
    return mounted
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.processes.map(each => {
        const ended = new Promise(done => each.once('exit', done))
        each.kill('SIGTERM')
        return ended
      }),
    )
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}
