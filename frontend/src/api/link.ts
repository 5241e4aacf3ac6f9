/**
 * A link to the server that is kept up: opens sockets, hears the browser and the clock, and does what
 * `core/connection` decides. What is said over a socket is the business of its conversation.
 */

import {
  type Connection,
  type ConnectionState,
  type Effect,
  type Input,
  initial,
  transition,
  wakeAt,
} from '../core/connection'
import type { Way, Ways } from '../core/ways'
import { httpAddress } from './address'
import { type Fetch, problemOf } from './http'

/** The part of the browser's WebSocket that is used; the other ways to a server look like it. */
export interface Socket {
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  close(): void
  send?(text: string): void
  readonly protocol?: string
  binaryType?: string
}

/** What is said over one socket. */
export interface Conversation {
  opened(): void
  receive(data: unknown): void
  /** When `tick` has something to do; null for never. */
  readonly wakeAt: number | null
  tick(now: number): void
}

/** What a conversation knows of its socket, and tells of it. */
export interface Line {
  readonly way: Way
  /** The link uses it, or is about to: what comes late from any other is nobody's. */
  readonly isOurs: boolean
  /** It serves; else it may take the place of one that does. */
  readonly isCurrent: boolean
  /** Empty where the server took none. */
  readonly protocol: string
  say(text: string): void
  /** A frame came; `seq` is how far the viewer is with it. */
  heard(frame?: { seq?: number | null; begins?: boolean; speaks?: boolean; spreadMs?: number }): void
  /** The server has taken up the conversation: it can take the place of an older one. */
  settled(): void
  /** How far the log reaches, as the server has just read it: also less than before. */
  expectHead(head: number): void
  /** Nothing more can be made of this socket: open another one. */
  lost(): void
  /** The execution has ended; `final` where nothing else is followed. */
  ended(final: boolean): void
  refused(reason: string, status: number | null): void
  drain(earliestMs: number, latestMs: number): void
}

/** Why no socket opens, as far as HTTP tells: no such thing, or nothing that HTTP knows of. */
export type Reason = { readonly reason: string; readonly status: number } | 'answers' | 'unknown'

export type LinkEnvironment = {
  now?: (() => number) | undefined
  random?: (() => number) | undefined
  /** Call back after `ms`; the returned function calls it off. */
  timer?: ((callback: () => void, ms: number) => () => void) | undefined
}

export type LinkHooks = {
  open: (way: Way) => Socket
  converse: (line: Line) => Conversation
  ask: () => Promise<Reason>
  onState?: ((state: ConnectionState, heardAt: number | null) => void) | undefined
}

/** One socket with what is said over it. */
type Wire = { readonly socket: Socket; readonly conversation: Conversation; isOpen: boolean }

export class Link {
  readonly #hooks: LinkHooks
  readonly #now: () => number
  readonly #random: () => number
  readonly #timer: NonNullable<LinkEnvironment['timer']>
  #connection: Connection
  #current: Wire | null = null
  #next: Wire | null = null
  #stopTimer: () => void = () => {}
  #timerAt: number | null = null
  #stopListening: () => void = () => {}
  #asking = false

  constructor(ways: Ways, hooks: LinkHooks, { now, random, timer }: LinkEnvironment = {}) {
    this.#connection = initial(ways)
    this.#hooks = hooks
    this.#now = now ?? Date.now
    this.#random = random ?? Math.random
    this.#timer = timer ?? browserTimer
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  /** Open a socket and keep one up until `disconnect`. */
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
  expectHead(head: number): void {
    this.#dispatch({ type: 'head', head })
  }

  #dispatch(input: Input): void {
    const before = this.#connection
    const [connection, effects] = transition(before, input)
    this.#connection = connection
    for (const effect of effects) this.#carryOut(effect)
    this.#arm()
    if (connection.state !== before.state || connection.heardAt !== before.heardAt)
      this.#hooks.onState?.(connection.state, connection.heardAt)
  }

  #carryOut(effect: Effect): void {
    switch (effect) {
      case 'open':
        this.#current = this.#open(this.#connection.way)
        return
      case 'open-next':
        this.#next = this.#open('rich')
        return
      case 'switch':
        return this.#switch()
      case 'drop':
        this.#current = close(this.#current)
        this.#next = close(this.#next)
        return
      case 'drop-next':
        this.#next = close(this.#next)
        return
      case 'ask':
        void this.#ask()
        return
      default:
        effect satisfies never
    }
  }

  #open(way: Way): Wire {
    const socket = this.#hooks.open(way)
    const conversation = this.#hooks.converse(this.#line(socket, way))
    const wire: Wire = { socket, conversation, isOpen: false }
    const ours = (handle: (event: Record<string, unknown>) => void) => (event: unknown) => {
      if (wire === this.#current || wire === this.#next) handle((event ?? {}) as Record<string, unknown>)
    }
    socket.onopen = ours(() => {
      wire.isOpen = true
      if (wire === this.#current) this.#dispatch({ type: 'opened', now: this.#now() })
      conversation.opened()
    })
    socket.onmessage = ours(event => {
      conversation.receive(event['data'])
      this.#arm()
    })
    socket.onclose = ours(event => this.#closed(wire, event))
    // The close event that follows says the same and is what counts.
    socket.onerror = () => {}
    return wire
  }

  #line(socket: Socket, way: Way): Line {
    const isNext = () => this.#next?.socket === socket
    const isCurrent = () => this.#current?.socket === socket
    const tell = (input: Input) => {
      if (isCurrent()) this.#dispatch(input)
    }
    const giveUpNext = () => {
      if (!isNext()) return
      this.#next = close(this.#next)
      this.#dispatch(this.#timed('next-closed'))
    }
    return {
      way,
      get isOurs() {
        return isCurrent() || isNext()
      },
      get isCurrent() {
        return isCurrent()
      },
      get protocol() {
        return socket.protocol ?? ''
      },
      say: text => socket.send?.(text),
      heard: ({ seq, ...frame } = {}) =>
        tell({ type: 'frame', now: this.#now(), ...frame, ...(typeof seq === 'number' ? { seq } : {}) }),
      settled: () => {
        if (isNext()) this.#dispatch({ type: 'next-opened', now: this.#now() })
      },
      expectHead: head => tell({ type: 'head', head, exact: true }),
      lost: () => {
        tell(this.#timed('lost'))
        giveUpNext()
      },
      ended: final => tell({ type: 'ended', now: this.#now(), final }),
      refused: (reason, status) => {
        tell({ type: 'refused', reason, status })
        giveUpNext()
      },
      drain: (earliestMs, latestMs) => tell({ ...this.#timed('drain'), earliestMs, latestMs }),
    }
  }

  #switch(): void {
    const former = this.#current
    this.#current = this.#next
    this.#next = null
    close(former)
    if (this.#current?.isOpen && this.#connection.socket === 'opening')
      this.#dispatch({ type: 'opened', now: this.#now() })
  }

  #closed(wire: Wire, { code, reason }: Record<string, unknown>): void {
    if (wire === this.#next) {
      this.#next = null
      return this.#dispatch(this.#timed('next-closed'))
    }
    this.#current = null
    this.#dispatch({
      ...this.#timed('closed'),
      ...(typeof code === 'number' ? { code } : {}),
      ...(typeof reason === 'string' ? { reason } : {}),
    })
  }

  #timed<Type extends string>(type: Type): { type: Type; now: number; random: number } {
    return { type, now: this.#now(), random: this.#random() }
  }

  /** Have `tick` come when somebody needs it. A timer that is early stays: frames come by the thousand. */
  #arm(): void {
    const wishes = [wakeAt(this.#connection), this.#current?.conversation.wakeAt]
    const times = wishes.filter(time => time !== null && time !== undefined)
    const at = times.length > 0 ? Math.min(...times) : null
    if (at !== null && this.#timerAt !== null && this.#timerAt <= at) return
    this.#stopTimer()
    this.#timerAt = at
    if (at === null) return
    const tick = () => {
      this.#timerAt = null
      const now = this.#now()
      this.#current?.conversation.tick(now)
      this.#dispatch({ type: 'tick', now })
    }
    this.#stopTimer = this.#timer(tick, Math.max(0, at - this.#now()))
  }

  async #ask(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    try {
      const answer = await this.#hooks.ask()
      if (answer === 'unknown' || this.#connection.socket === 'open') return
      if (answer === 'answers') this.#dispatch({ type: 'answered', now: this.#now() })
      else this.#dispatch({ type: 'refused', ...answer })
    } finally {
      this.#asking = false
    }
  }

  /** Follow what the browser knows of the network and of the page. */
  #listen(): () => void {
    if (typeof window === 'undefined') return () => {}
    const online = () => this.#dispatch({ type: 'online', now: this.#now() })
    const offline = () => this.#dispatch(this.#timed('offline'))
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

/** Answers after which trying again is no use. */
const REFUSALS = new Set([401, 403, 404])

/** A browser hides why a handshake failed: ask the HTTP API for the same thing. */
export async function askWhy(path: string, base?: string, fetcher?: Fetch): Promise<Reason> {
  const ask = fetcher ?? ((input, init) => fetch(input, init))
  try {
    const response = await ask(httpAddress(path, base), { credentials: 'same-origin' })
    if (response.ok) return 'answers'
    if (!REFUSALS.has(response.status)) return 'unknown'
    const { message, status, code } = await problemOf(response)
    if (code === 'http_404') return 'unknown' // nobody's problem document: whoever answers there is not Headway
    return { reason: message, status }
  } catch {
    return 'unknown' // unreachable: the next try of the socket will tell
  }
}

function close(wire: Wire | null): null {
  wire?.socket.close()
  return null
}

function browserTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}
