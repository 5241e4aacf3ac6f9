/** A real `headway serve` on a database of its own, with the means to hurt it. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../../..')
const HEADWAY = join(ROOT, 'backend/.venv/bin/headway')
const START_WITHIN_MS = 30_000

type Json = { [key: string]: unknown }

export class Headway {
  private constructor(
    readonly url: string,
    readonly folder: string,
    /** The served copy of flows.py: a test may change it. */
    readonly flows: string,
    private readonly process: ChildProcess,
  ) {}

  /**
   * @param settings further `HEADWAY_…` variables
   * @param files served in place of flows.py and two examples
   */
  static async start(settings: Record<string, string> = {}, files?: readonly string[]): Promise<Headway> {
    const folder = mkdtempSync(join(tmpdir(), 'headway-e2e-'))
    const flows = join(folder, 'flows.py')
    copyFileSync(join(ROOT, 'frontend/e2e/flows.py'), flows)
    const port = await freePort()
    const examples = ['audit_environment', 'recovering_pipeline'].map(name =>
      join(ROOT, `examples/${name}.py`),
    )
    const child = spawn(
      HEADWAY,
      ['serve', ...(files ?? [flows, ...examples]), '--port', String(port), '--log-level', 'warning'],
      {
        env: { ...process.env, HEADWAY_DATABASE: `sqlite:///${join(folder, 'headway.db')}`, ...settings },
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
    const server = new Headway(`http://127.0.0.1:${port}`, folder, flows, child)
    for (const workflow of ['audit_environment', files ? 'survey' : 'paced'])
      await server.eventually(async () => (await server.get(`api/workflows/${workflow}`)) !== null)
    return server
  }

  async stop(): Promise<void> {
    const ended = new Promise(done => this.process.once('exit', done))
    this.process.kill('SIGINT')
    await ended
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** `kill -9` the supervisor's child of this kind. */
  kill(module: 'headway.server' | 'headway.worker'): void {
    const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')
    const pids = rows
      .map(row => row.trim().split(/\s+/, 2).concat(row))
      .filter(([, parent, row]) => Number(parent) === this.process.pid && row?.includes(module))
      .map(([pid]) => Number(pid))
    const [pid] = pids
    if (pid === undefined) throw new Error(`no child runs ${module}`)
    process.kill(pid, 'SIGKILL')
  }

  async get(path: string): Promise<Json | null> {
    try {
      const answer = await fetch(`${this.url}/${path}`)
      return answer.ok ? ((await answer.json()) as Json) : null
    } catch {
      return null
    }
  }

  async run(workflowId: string, input: Json = {}): Promise<string> {
    const answer = await fetch(`${this.url}/api/workflows/${workflowId}/executions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input }),
    })
    if (answer.status !== 201) throw new Error(await answer.text())
    return ((await answer.json()) as { execution_id: string }).execution_id
  }

  /** The log as the journal has it: one entry a line. */
  async journalLog(executionId: string): Promise<string[]> {
    const answer = await fetch(`${this.url}/api/executions/${executionId}/export`)
    const events = (await answer.text())
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Event)
    events.forEach((event, index) => {
      if (event.seq !== index + 1) throw new Error(`seq ${event.seq} stands at ${index + 1}`)
    })
    return events
      .filter(event => event.type === 'log')
      .flatMap(event => (event.data['message'] as string).split('\n'))
  }

  async isClosed(executionId: string): Promise<boolean> {
    const found = (await this.get(`api/executions/${executionId}`)) as {
      execution?: { closed: boolean }
    } | null
    return found?.execution?.closed ?? false
  }

  async eventually(predicate: () => Promise<boolean>, withinMs = START_WITHIN_MS): Promise<void> {
    const deadline = Date.now() + withinMs
    while (!(await predicate())) {
      if (Date.now() > deadline) throw new Error('it did not happen in time')
      await new Promise(done => setTimeout(done, 100))
    }
  }
}

type Event = { seq: number; type: string; data: Json }

function freePort(): Promise<number> {
  return new Promise(done => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address ? address.port : 0
      probe.close(() => done(port))
    })
  })
}
