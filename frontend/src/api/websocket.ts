/**
 * The feed of a workflow over WebSocket: reconnects, resumes after the last seq, and repeats or loses nothing.
 *
 * A thin shell: what to do is decided in `core/connection`; this is the only file that knows WebSocket.
 */

import {
  type Connection,
  type ConnectionState,
  type Effect,
  INITIAL,
  type Input,
  transition,
  wakeAt,
} from '../core/connection'
import { decodeUpdate, InvalidFrame, isTerminal, type WorkflowExecutionUpdate } from '../core/events'
import { httpAddress, socketAddress } from './address'
import { executionPath, type Fetch, problemOf } from './http'

export type { WorkflowExecutionUpdate } from '../core/events'

/** The part of the browser's WebSocket that is used. */
export interface Socket {
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  close(): void
}

export type WebSocketOptions = {
  /** Follow this execution alone; else the workflow's current one, and the next when it has ended. */
  execution?: string | undefined
  /** Begin after this seq; 0 for the whole log. Without it: a folded status and the recent events. */
  after?: number
  /** Seconds of silence after which the server sends a sign of life. */
  beatS?: number
  /** Address of the server; by default the page's own. */
  base?: string | undefined
  onState?: (state: ConnectionState, heardAt: number | null) => void
  WebSocket?: new (address: string) => Socket
  fetch?: Fetch
  now?: () => number
  random?: () => number
  /** Call back after `ms`; the returned function calls it off. */
  timer?: (callback: () => void, ms: number) => () => void
}

/** Events are missing and the server does not have them any more. */
export class MissingEvents extends Error {
  override readonly name = 'MissingEvents'
  constructor(
    readonly after: number,
    readonly before: number,
  ) {
    super(`the events ${after + 1} to ${before - 1} are no longer kept`)
  }
}

const EXECUTION_ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** Why the server does not let a browser in: the answers after which trying again is no use. */
const REFUSALS = new Set([401, 403, 404])

/** Follows a workflow's executions, one at a time, each event once and in order. */
export class WorkflowWebSocketClient {
  readonly #workflowId: string
  readonly #onUpdate: (update: WorkflowExecutionUpdate) => void
  readonly #onError: (error: Error) => void
  readonly #options: WebSocketOptions
  readonly #now: () => number
  #connection: Connection = INITIAL
  #socket: Socket | null = null
  #stopTimer: () => void = () => {}
  #timerAt: number | null = null
  #stopListening: () => void = () => {}
  #asking = false
  #execution: string | null
  /** Last seq of `#execution` passed on; null where the first one may be any. */
  #seq: number | null
  /** Frames of this socket that could not be read: each explains one missing seq. */
  #unread = 0
  #gapAfter: number | null = null

  /**
   * @param workflowId or the id of an execution, which is then followed to its end
   * @param onUpdate gets every frame but repeated ones
   * @param onError gets what could not be read; the stream goes on
   */
  constructor(
    workflowId: string,
    onUpdate: (update: WorkflowExecutionUpdate) => void,
    onError: (error: Error) => void = () => {},
    options: WebSocketOptions = {},
  ) {
    this.#workflowId = workflowId
    this.#onUpdate = onUpdate
    this.#onError = onError
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#execution = this.#pinned
    this.#seq = options.after ?? null
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  /** Open the socket and keep it up until `disconnect`. */
  connect(): void {
    this.#stopListening()
    this.#stopListening = this.#listen()
    this.#dispatch({ type: 'connect', now: this.#now() })
  }

  disconnect(): void {
    this.#stopListening()
    this.#stopListening = () => {}
    this.#dispatch({ type: 'disconnect' })
  }

  /** Try at once instead of waiting for the next try. */
  retryNow(): void {
    this.#dispatch({ type: 'retry', now: this.#now() })
  }

  /** Say how far the log reaches, so that catching up can be shown. */
  expectHead(execution: string, head: number): void {
    if (execution === this.#execution || this.#execution === null) this.#dispatch({ type: 'head', head })
  }

  /** Go on elsewhere in the log of `execution`: events after `seq` follow next. */
  seek(execution: string, seq: number): void {
    this.#execution = execution
    this.#seq = seq
    this.#dispatch({ type: 'retry', now: this.#now() })
  }

  get #pinned(): string | null {
    if (this.#options.execution) return this.#options.execution
    return EXECUTION_ID.test(this.#workflowId) ? this.#workflowId : null
  }

  #dispatch(input: Input): void {
    const before = this.#connection
    const [connection, effects] = transition(before, input)
    this.#connection = connection
    for (const effect of effects) this.#carryOut(effect)
    this.#arm()
    if (connection.state !== before.state || connection.heardAt !== before.heardAt) {
      this.#options.onState?.(connection.state, connection.heardAt)
    }
  }

  #carryOut(effect: Effect): void {
    if (effect === 'drop') this.#drop()
    else if (effect === 'open') this.#open()
    else void this.#ask()
  }

  /** Have `tick` come when the machine needs it. A timer that is early stays: frames come by the thousand. */
  #arm(): void {
    const at = wakeAt(this.#connection)
    if (at !== null && this.#timerAt !== null && this.#timerAt <= at) return
    this.#stopTimer()
    this.#timerAt = at
    if (at === null) return
    const tick = () => {
      this.#timerAt = null
      this.#dispatch({ type: 'tick', now: this.#now() })
    }
    this.#stopTimer = (this.#options.timer ?? browserTimer)(tick, Math.max(0, at - this.#now()))
  }

  #open(): void {
    this.#unread = 0
    const Constructor = this.#options.WebSocket ?? (WebSocket as unknown as new (address: string) => Socket)
    const socket = new Constructor(this.#address())
    this.#socket = socket
    const ours = (handle: (event: Record<string, unknown>) => void) => (event: unknown) => {
      if (this.#socket === socket) handle((event ?? {}) as Record<string, unknown>)
    }
    socket.onopen = ours(() => this.#dispatch({ type: 'opened', now: this.#now() }))
    socket.onmessage = ours(event => this.#receive(event['data']))
    socket.onclose = ours(event => this.#closed(event))
    // The close event that follows says the same and is what counts.
    socket.onerror = () => {}
  }

  #address(): string {
    const query = new URLSearchParams()
    if (this.#execution !== null && this.#execution !== this.#workflowId)
      query.set('execution', this.#execution)
    if (this.#seq !== null) query.set('after', String(this.#seq))
    query.set('beat', String(this.#options.beatS ?? 15))
    return socketAddress(`ws/workflow/${encodeURIComponent(this.#workflowId)}`, query, this.#options.base)
  }

  #drop(): void {
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }

  #closed(event: Record<string, unknown>): void {
    this.#socket = null
    const { code, reason } = event
    this.#dispatch({
      ...this.#lost('closed'),
      ...(typeof code === 'number' ? { code } : {}),
      ...(typeof reason === 'string' ? { reason } : {}),
    })
  }

  #lost<Type extends 'closed' | 'lost' | 'offline'>(type: Type): { type: Type; now: number; random: number } {
    return { type, now: this.#now(), random: (this.#options.random ?? Math.random)() }
  }

  #receive(data: unknown): void {
    const update = this.#decode(data)
    if (!update) {
      this.#unread += 1
      this.#dispatch({ type: 'frame', now: this.#now() })
      return
    }
    if (update.seq !== undefined) this.#receiveEvent(update, update.seq)
    else this.#receiveFolded(update)
  }

  #decode(data: unknown): WorkflowExecutionUpdate | null {
    try {
      if (typeof data !== 'string') throw new InvalidFrame('a binary frame')
      return decodeUpdate(JSON.parse(data))
    } catch (error) {
      this.#onError(error instanceof InvalidFrame ? error : new InvalidFrame(String(error)))
      return null
    }
  }

  #receiveEvent(update: WorkflowExecutionUpdate, seq: number): void {
    const begins = this.#begins(update)
    if (begins && this.#pinned !== null && this.#execution !== null) return
    if (begins) {
      this.#seq = this.#execution === null ? this.#seq : 0
      this.#execution = update.execution_id ?? null
      this.#gapAfter = null
    }
    const last = this.#seq ?? seq - 1
    if (seq <= last) return this.#dispatch({ type: 'frame', now: this.#now() })
    const missing = seq - last - 1
    if (missing > this.#unread && !this.#giveUp(last, seq)) return
    this.#unread = 0
    this.#gapAfter = null
    this.#seq = seq
    this.#pass(update, begins)
  }

  /** A gap: ask again from the last seq, once; where the same gap comes back, the events are gone. */
  #giveUp(last: number, seq: number): boolean {
    if (this.#gapAfter === last) {
      this.#onError(new MissingEvents(last, seq))
      return true
    }
    this.#gapAfter = last
    this.#seq = last
    this.#dispatch(this.#lost('lost'))
    return false
  }

  #receiveFolded(update: WorkflowExecutionUpdate): void {
    const begins = this.#begins(update)
    if (update.beat) {
      const missed = !begins && update.as_of !== undefined && this.#seq !== null && update.as_of > this.#seq
      if (missed) return this.#dispatch(this.#lost('lost'))
    } else if (update.snapshot && update.as_of !== undefined) {
      this.#execution = update.execution_id ?? this.#execution
      this.#seq = update.as_of
    }
    this.#pass(update, begins && !update.beat)
  }

  #begins(update: WorkflowExecutionUpdate): boolean {
    return update.execution_id !== undefined && update.execution_id !== this.#execution
  }

  #pass(update: WorkflowExecutionUpdate, begins: boolean): void {
    const frame: Input = { type: 'frame', now: this.#now(), begins }
    this.#dispatch(this.#seq === null ? frame : { ...frame, seq: this.#seq })
    this.#onUpdate(update)
    if (isTerminal(update)) this.#dispatch({ type: 'ended', now: this.#now(), final: this.#pinned !== null })
  }

  /** A browser hides why a handshake failed: ask the HTTP API for the same thing, and stop where it refuses. */
  async #ask(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    const { base, fetch: fetcher = (input, init) => fetch(input, init) } = this.#options
    const execution = this.#pinned
    const path = execution
      ? executionPath(execution)
      : `api/workflows/${encodeURIComponent(this.#workflowId)}`
    try {
      const response = await fetcher(httpAddress(path, base), { credentials: 'same-origin' })
      if (!REFUSALS.has(response.status)) return
      const problem = await problemOf(response)
      if (this.#connection.socket !== 'open') {
        this.#dispatch({ type: 'refused', reason: problem.message, status: problem.status })
      }
    } catch {
      // Unreachable: the next try of the socket will tell.
    } finally {
      this.#asking = false
    }
  }

  /** Follow what the browser knows of the network and of the page. */
  #listen(): () => void {
    if (typeof window === 'undefined') return () => {}
    const online = () => this.#dispatch({ type: 'online', now: this.#now() })
    const offline = () => this.#dispatch(this.#lost('offline'))
    const visible = () => {
      if (document.visibilityState === 'visible') this.#dispatch({ type: 'visible', now: this.#now() })
    }
    window.addEventListener('online', online)
    window.addEventListener('offline', offline)
    document.addEventListener('visibilitychange', visible)
    return () => {
      window.removeEventListener('online', online)
      window.removeEventListener('offline', offline)
      document.removeEventListener('visibilitychange', visible)
    }
  }
}

function browserTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}
