/** The lobby where WebSocket does not come through: a socket that makes its frames of the list, read again and again. */

import { type ClientMessage, LOBBY, SUBPROTOCOL } from '../core/messages'
import type { HttpApi } from './http'
import type { Socket } from './link'
import { pause } from './pause'

/** How old what is shown may get. */
const EVERY_MS = 2_000
const ROWS = 200
const BROKEN = 1006

export class LobbyPollSocket implements Socket {
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  onerror: Socket['onerror'] = null
  readonly protocol = SUBPROTOCOL
  readonly #api: HttpApi
  readonly #run = new AbortController()
  /** Rows as they were told, by id; null before the first answer. */
  #told: ReadonlyMap<string, string> | null = null
  #first: readonly Row[] = []

  constructor(api: HttpApi) {
    this.#api = api
    this.#follow(this.#run.signal).catch(() => {
      if (!this.#run.signal.aborted) this.onclose?.({ code: BROKEN } as never)
    })
  }

  close(): void {
    this.#run.abort()
  }

  send(text: string): void {
    const message = JSON.parse(text) as ClientMessage
    if (message.t === 'hello') this.#say({ t: 'welcome', limits: {} })
    if (message.t !== 'sub') return
    this.#say({ t: 'sub_ok', x: LOBBY, result: 'snapshot' })
    this.#tell(this.#first)
  }

  async #follow(signal: AbortSignal): Promise<void> {
    this.#first = await this.#read(signal)
    if (signal.aborted) return
    this.onopen?.({} as never)
    for (;;) {
      await pause(EVERY_MS, signal)
      const rows = await this.#read(signal)
      if (signal.aborted) return
      this.#tell(rows)
    }
  }

  async #read(signal: AbortSignal): Promise<readonly Row[]> {
    return (await this.#api.executions({ limit: ROWS }, signal)).executions
  }

  /** What has changed; all rows where some are gone, and at first. An empty frame is a sign of life. */
  #tell(rows: readonly Row[]): void {
    const before = this.#told
    const now = new Map(rows.map(row => [row.execution_id, JSON.stringify(row)]))
    const isWhole = before === null || [...before.keys()].some(id => !now.has(id))
    const changed = rows.filter(({ execution_id: id }) => isWhole || before.get(id) !== now.get(id))
    this.#told = now
    this.#say({ t: 'rows', x: LOBBY, rows: changed, reset: isWhole })
  }

  #say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) } as never)
  }
}

type Row = Awaited<ReturnType<HttpApi['executions']>>['executions'][number]
