/** The real server, on uvicorn and a journal in memory, which does what a test tells it. */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

const BACKEND = resolve(import.meta.dirname, '../../backend')

type Order = 'log' | 'complete' | 'next' | 'burst' | 'copy' | 'restore' | 'drain'
/** Where the execution that is being written stands. */
export type Written = { execution_id: string; last_seq: number }

export class RealServer {
  readonly url: string
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: AsyncIterator<string>

  private constructor(
    url: string,
    child: ChildProcessByStdio<Writable, Readable, null>,
    answers: AsyncIterator<string>,
  ) {
    this.url = url
    this.#child = child
    this.#answers = answers
  }

  /** @param token what the server asks its clients for */
  static async start(token?: string): Promise<RealServer> {
    const child = spawn('.venv/bin/python', ['-m', 'tests.support.feed_server', ...(token ? [token] : [])], {
      cwd: BACKEND,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines: Interface = createInterface(child.stdout)
    const answers = lines[Symbol.asyncIterator]()
    const { value } = await answers.next()
    return new RealServer(String(value), child, answers)
  }

  /** Have something happen; resolves once it has. */
  async tell(order: Order, count?: number): Promise<Written> {
    this.#child.stdin.write(`${JSON.stringify({ do: order, ...(count ? { count } : {}) })}\n`)
    const { value } = await this.#answers.next()
    return JSON.parse(String(value)) as Written
  }

  /** The log as it is stored. */
  async stored(executionId: string): Promise<string[]> {
    const answer = await fetch(`${this.url}/api/executions/${executionId}/export`)
    return (await answer.text()).trimEnd().split('\n')
  }

  async stop(): Promise<void> {
    const ended = new Promise(done => this.#child.once('exit', done))
    this.#child.stdin.end()
    await ended
  }
}
