/** One execution (or a workflow's current one) followed into a store: what a page needs to show it live. */

import type { ExecutionResult, Status, Totals, WorkflowExecutionUpdate } from '../core/events'
import { isRecord, isTerminal } from '../core/events'
import { ExecutionStore } from '../core/store'
import type { Execution } from './decode'
import { type Fetch, HttpApi } from './http'
import { type WebSocketOptions, WorkflowWebSocketClient } from './websocket'

/** Above so many events the page starts with a snapshot and this many of the latest. */
export const REPLAY_LIMIT = 200_000
/** Further behind than this, the page catches up by HTTP: a browser spends far more on a frame than on an event. */
export const SOCKET_TAIL = 2_000
/** Events asked for at once: a few tens of milliseconds to read. */
const PAGE_EVENTS = 2_500

export type FeedOptions = {
  executionId?: string | undefined
  apiBase?: string | undefined
  onComplete?: (result: ExecutionResult) => void
  onError?: (error: Error) => void
  WebSocket?: WebSocketOptions['WebSocket']
  fetch?: Fetch
  replayLimit?: number
}

export class ExecutionFeed {
  readonly store: ExecutionStore
  readonly #workflowId: string
  readonly #options: FeedOptions
  readonly #client: WorkflowWebSocketClient
  readonly #api: HttpApi
  readonly #completed = new Set<string>()
  #lookup: AbortController | null = null

  constructor(workflowId: string, options: FeedOptions = {}) {
    this.#workflowId = workflowId
    this.#options = options
    this.store = new ExecutionStore(workflowId)
    this.#api = new HttpApi(options.apiBase, options.fetch)
    this.#client = new WorkflowWebSocketClient(
      workflowId,
      update => this.#receive(update),
      error => options.onError?.(error),
      {
        after: 0,
        execution: options.executionId,
        base: options.apiBase,
        onState: (state, heardAt) => this.store.setConnection(state, heardAt),
        ...(options.WebSocket ? { WebSocket: options.WebSocket } : {}),
        ...(options.fetch ? { fetch: options.fetch } : {}),
      },
    )
  }

  /** Connect; may be called again after `stop` and then goes on where it was. */
  start(): void {
    if (this.store.lastSeq > 0) this.#client.seek(this.store.executionId, this.store.lastSeq)
    this.#client.connect()
    this.#lookup = new AbortController()
    void this.#lookUp(this.#lookup.signal)
  }

  stop(): void {
    this.#lookup?.abort()
    this.#client.disconnect()
  }

  retryNow(): void {
    this.#client.retryNow()
  }

  /** Learn how far the log reaches, and skip to its end where it is too long to replay whole. */
  async #lookUp(signal: AbortSignal): Promise<void> {
    try {
      const execution = await this.#current(signal)
      if (!execution || signal.aborted) return
      const from = execution.last_seq - (this.#options.replayLimit ?? REPLAY_LIMIT)
      if (from > this.store.lastSeq) await this.#skipTo(execution.execution_id, from, signal)
      await this.#catchUp(execution, signal)
      this.#client.expectHead(execution.execution_id, execution.last_seq)
    } catch {
      // The socket tells as much; this only adds how far it has to go.
    }
  }

  async #current(signal: AbortSignal): Promise<Execution | null> {
    const { executionId } = this.#options
    if (executionId !== undefined) return (await this.#api.execution(executionId, signal)).execution
    return (await this.#api.workflow(this.#workflowId, signal)).latest
  }

  async #skipTo(executionId: string, seq: number, signal: AbortSignal): Promise<void> {
    const { state } = await this.#api.execution(executionId, signal)
    if (!state || signal.aborted) return
    this.store.adopt(state, seq)
    this.#client.seek(executionId, seq)
  }

  /** Read all but the last events by HTTP; the socket, down meanwhile, brings those and the end. */
  async #catchUp({ execution_id: id, workflow_id, last_seq }: Execution, signal: AbortSignal): Promise<void> {
    if (last_seq - this.store.lastSeq <= SOCKET_TAIL) return
    this.#client.disconnect()
    try {
      let head = last_seq
      while (head - this.store.lastSeq > SOCKET_TAIL) {
        this.store.setConnection({ name: 'catching-up', done: this.store.lastSeq, total: head }, Date.now())
        const page = await this.#api.events(id, this.store.lastSeq, PAGE_EVENTS, signal)
        if (page.events.length === 0) break
        for (const event of page.events) this.#receive({ ...event, execution_id: id, workflow_id })
        head = page.last_seq
      }
    } finally {
      if (!signal.aborted) {
        this.#client.seek(id, this.store.lastSeq)
        this.#client.connect()
      }
    }
  }

  #receive(update: WorkflowExecutionUpdate): void {
    if (update.beat) return
    const { execution_id: id } = update
    if (id !== undefined && id !== this.store.executionId) {
      this.store.reset(id, update.workflow_id ?? this.#workflowId, (update.seq ?? 1) - 1)
    }
    this.store.apply(update)
    if (isTerminal(update)) this.#complete(update)
  }

  #complete(update: WorkflowExecutionUpdate): void {
    const result = resultOf(update)
    if (this.#completed.has(result.execution_id)) return
    this.#completed.add(result.execution_id)
    this.store.flush()
    this.#options.onComplete?.(result)
  }
}

/** The result a terminal update carries; a plain server's update gives what it has. */
export function resultOf(update: WorkflowExecutionUpdate): ExecutionResult {
  const { data } = update
  const result = isRecord(data.result) ? data.result : {}
  const totals = result['totals'] ?? data['totals']
  const error = result['error'] ?? data.error
  return {
    execution_id: update.execution_id ?? String(result['execution_id'] ?? ''),
    status: data.status as Status,
    output: result['output'] ?? null,
    error: typeof error === 'string' ? error : null,
    totals: isRecord(totals) ? (totals as Totals) : null,
  }
}
