/**
 * The connection as a pure transition function: inputs carry `now` and `random`, effects are for the shell.
 *
 *     idle -connect-> connecting -opened-> live <-> catching-up
 *                         |                  | closed, gap           | silence          | terminal event
 *                         v                  v                       v                  v
 *                      refused <-404, 4xx- reconnecting <-> offline  stale -> (opens)   ended
 *
 * Beside the socket there may be a next one, opening: where the server asks its viewers to move, and where a better
 * way to it is tried. The first one serves until the next one does.
 *
 * Knows no socket, no timer and no browser: `api/link.ts` carries the effects out and sends `tick` at `wakeAt`.
 */

import { type Backoff, fullJitter } from './backoff'
import { isRecord } from './events'
import { betterInMs, overHttp, type Transport, transportOf, type Way, type Ways } from './ways'

/** Without any frame for so long a socket that says it is open is not believed. */
export const STALE_MS = 25_000
/** A handshake that takes longer is given up. */
export const HANDSHAKE_MS = 10_000
/** A socket that held so long counts as a success: backing off starts anew. */
const STEADY_MS = 5_000
/** So many handshakes in a row refused by a server that answers HTTP: WebSocket does not come through. */
const BLOCKED = 3
/** A stream that ends so often without having held is given up. */
const BROKEN_STREAMS = 3
/** Time for the HTTP API to answer before a socket that says nothing is tried in another way. */
const ANSWER_MS = 2_000
/** A server that drains may be the only one: who cannot move yet tries again within this. */
const MOVE_AGAIN: Backoff = { baseMs: 2_000, capMs: 2_000 }
/** How a socket ends where what is said over it does not arrive, in one direction or the other. */
const UNHEARD: ReadonlySet<number> = new Set([1006, 4408])
const LONGEST_RETRY_MS = 60_000

/** What a screen shows; times are milliseconds since 1970. A transport is named where it is not WebSocket. */
export type ConnectionState =
  | { readonly name: 'idle' | 'connecting' }
  | { readonly name: 'live'; readonly transport?: Exclude<Transport, 'websocket'> }
  | {
      readonly name: 'catching-up'
      readonly done: number
      readonly total: number
      readonly transport?: Exclude<Transport, 'websocket'>
    }
  | { readonly name: 'reconnecting'; readonly since: number; readonly until: number }
  | { readonly name: 'stale'; readonly since: number }
  | { readonly name: 'offline'; readonly since: number; readonly until: number }
  | { readonly name: 'ended'; readonly at: number }
  | { readonly name: 'refused'; readonly reason: string; readonly status: number | null }

export type Connection = {
  readonly state: ConnectionState
  readonly socket: 'none' | 'opening' | 'open'
  /** Failed tries since the last steady one. */
  readonly attempt: number
  /** When the socket began to open, or opened. */
  readonly socketAt: number
  /** Last sign of life; null before the first. */
  readonly heardAt: number | null
  readonly seq: number
  readonly head: number
  /** When the terminal event was seen; null while the execution runs. */
  readonly endedAt: number | null
  readonly ways: Ways
  /** The way of the socket, or of the next try. */
  readonly way: Way
  /** The server is known to speak our subprotocol. */
  readonly spoke: boolean
  /** This socket has brought a frame: until then something on the way may swallow them. */
  readonly proven: boolean
  /** Over how long the server wants its viewers spread when they come back; null where it did not say. */
  readonly spreadMs: number | null
  /** Handshakes refused in a row while the server answered HTTP; one that hung counts for all. */
  readonly blocked: number
  readonly hung: boolean
  /** When the next socket began to open; null where there is none. */
  readonly nextSince: number | null
  /** When to open one. */
  readonly nextAt: number | null
  readonly draining: boolean
  /** Tries of a better way that failed. */
  readonly trials: number
}

type Timed<Type extends string> = { type: Type; now: number }
type Lost<Type extends string> = Timed<Type> & { random: number }
type Closed = Lost<'closed'> & { code?: number; reason?: string }
/** `speaks` our subprotocol or, on a socket that seemed to, does not. */
type Frame = Timed<'frame'> & { seq?: number; begins?: boolean; speaks?: boolean; spreadMs?: number }
type Drain = Lost<'drain'> & { earliestMs: number; latestMs: number }

export type Input =
  | Timed<'connect'>
  | Timed<'opened'>
  | Timed<'online'>
  | Timed<'visible'>
  | Timed<'tick'>
  | Timed<'retry'>
  | Timed<'answered'>
  | Timed<'next-opened'>
  | Lost<'next-closed'>
  | Drain
  | Lost<'lost'>
  | Lost<'offline'>
  | Closed
  | Frame
  | { type: 'head'; head: number; exact?: boolean }
  | (Timed<'ended'> & { final: boolean })
  | { type: 'refused'; reason: string; status: number | null }
  | { type: 'disconnect' }

/**
 * `open` a socket by `way`; `open-next` one beside it; `switch` to the next one and close the former; `drop` all there
 * are, or only the next one; `ask` the HTTP API why a handshake failed.
 */
export type Effect = 'open' | 'open-next' | 'switch' | 'drop' | 'drop-next' | 'ask'
export type Transition = readonly [Connection, readonly Effect[]]

/** A connection not yet begun, with the ways it may take. */
export function initial(ways: Ways): Connection {
  return {
    state: { name: 'idle' },
    socket: 'none',
    attempt: 0,
    socketAt: 0,
    heardAt: null,
    seq: 0,
    head: 0,
    endedAt: null,
    ways,
    way: ways[0],
    ...{ spoke: false, proven: false, spreadMs: null },
    ...{ blocked: 0, hung: false, nextSince: null, nextAt: null, draining: false, trials: 0 },
  }
}

export const INITIAL: Connection = initial(['plain'])

/** The connection after `input`, and what the shell must do. */
export function transition(connection: Connection, input: Input): Transition {
  if (input.type === 'disconnect') return [renewed(connection), ['drop']]
  if (input.type === 'connect') {
    return isActive(connection) ? [connection, []] : open(renewed(connection), input.now, [])
  }
  if (!isActive(connection)) return [connection, []]
  switch (input.type) {
    case 'opened':
      return [opened(connection, input.now), []]
    case 'frame':
      return [settle(hear(connection, input)), []]
    case 'head':
      return [
        settle({ ...connection, head: input.exact ? input.head : Math.max(connection.head, input.head) }),
        [],
      ]
    case 'ended':
      if (!input.final) return [settle({ ...connection, endedAt: input.now }), []]
      return down({ ...connection, endedAt: input.now }, { name: 'ended', at: input.now })
    case 'refused':
      return down(connection, { name: 'refused', reason: input.reason, status: input.status })
    case 'closed':
      return closed(connection, input)
    case 'lost':
    case 'offline':
      return wait(connection, input, ['drop'])
    case 'online':
      return isUp(connection) ? [connection, []] : anew(connection, input.now)
    case 'retry':
      return anew(connection, input.now)
    case 'visible':
      return isSilent(connection, input.now) ? stale(connection, input.now) : [connection, []]
    case 'tick':
      return tick(connection, input.now)
    default:
      return beside(connection, input)
  }
}

/** What concerns another way to the server, or another server. */
function beside(
  connection: Connection,
  input: Timed<'answered'> | Timed<'next-opened'> | Lost<'next-closed'> | Drain,
): Transition {
  const { now } = input
  switch (input.type) {
    case 'answered':
      return answered(connection, now)
    case 'drain': {
      const nextAt = now + input.earliestMs + input.random * (input.latestMs - input.earliestMs) * 0.8
      return [{ ...connection, draining: true, nextAt }, []]
    }
    case 'next-opened':
      if (connection.nextSince === null) return [connection, []]
      return [
        { ...opened({ ...connection, nextSince: null, trials: 0, way: 'rich' }, now), proven: true },
        ['switch'],
      ]
    case 'next-closed':
      return [withoutNext(connection, now, input.random), []]
    default:
      return input satisfies never
  }
}

/** When the shell must send `tick` next; null for never. */
export function wakeAt(connection: Connection): number | null {
  if (!isActive(connection)) return null
  const times = [ownWakeAt(connection), nextWakeAt(connection)].filter(time => time !== null)
  return times.length > 0 ? Math.min(...times) : null
}

function ownWakeAt(connection: Connection): number | null {
  const { state, socket, socketAt, heardAt } = connection
  if (socket === 'open') {
    const silentAt = (heardAt ?? socketAt) + STALE_MS
    return isUnproven(connection) ? socketAt + HANDSHAKE_MS : silentAt
  }
  if (socket === 'opening') return socketAt + HANDSHAKE_MS
  return state.name === 'reconnecting' || state.name === 'offline' ? state.until : null
}

function nextWakeAt({ socket, nextSince, nextAt }: Connection): number | null {
  if (nextSince !== null) return nextSince + HANDSHAKE_MS
  return socket === 'open' ? nextAt : null
}

/** True while the connection wants to be up: not idle, refused, or done for good. */
export function isActive({ state, socket }: Connection): boolean {
  if (state.name === 'idle' || state.name === 'refused') return false
  return state.name !== 'ended' || socket !== 'none'
}

function isUp({ socket }: Connection): boolean {
  return socket === 'open'
}

/** Rich mode begins with a welcome: a socket that opens and is silent is no way to the server. */
function isUnproven({ way, proven }: Connection): boolean {
  return way === 'rich' && !proven
}

/** Nothing says so far that the server knows our subprotocol. */
function isDoubted({ way, ways, spoke }: Connection): boolean {
  return way === 'rich' && !spoke && ways.includes('plain')
}

function renewed({ ways, seq, spoke, spreadMs }: Connection): Connection {
  return { ...initial(ways), seq, spoke, spreadMs }
}

function down(connection: Connection, state: ConnectionState): Transition {
  return [{ ...connection, socket: 'none', nextSince: null, nextAt: null, state }, ['drop']]
}

/** Try at once, by the best way. */
function anew(connection: Connection, now: number): Transition {
  return open({ ...connection, attempt: 0, way: connection.ways[0] }, now, ['drop'])
}

function opened(connection: Connection, now: number): Connection {
  const { way, ways, trials } = connection
  return settle({
    ...connection,
    socket: 'open',
    socketAt: now,
    heardAt: now,
    proven: false,
    draining: false,
    nextAt: way === ways[0] ? null : now + betterInMs(way, trials),
  })
}

function isSilent(connection: Connection, now: number): boolean {
  return isUp(connection) && now - (connection.heardAt ?? connection.socketAt) >= STALE_MS
}

function hear(connection: Connection, input: Frame): Connection {
  const steady = isUp(connection) && input.now - connection.socketAt >= STEADY_MS
  const begun = input.begins ? { endedAt: null, head: 0 } : {}
  const comesThrough = transportOf(connection.way) === 'websocket' ? { blocked: 0, hung: false } : {}
  return {
    ...connection,
    ...begun,
    ...comesThrough,
    proven: true,
    spreadMs: input.spreadMs ?? connection.spreadMs,
    heardAt: input.now,
    attempt: steady ? 0 : connection.attempt,
    seq: input.seq ?? connection.seq,
    ...(input.speaks === false ? { way: 'plain' as const, nextAt: null } : {}),
    spoke: connection.spoke || input.speaks === true,
  }
}

/** The state of a socket that is up: what it still has to show decides. */
function settle(connection: Connection): Connection {
  if (!isUp(connection)) return connection
  const state = upState(connection)
  return sameState(state, connection.state)
    ? { ...connection, state: connection.state }
    : { ...connection, state }
}

function upState({ endedAt, head, seq, way }: Connection): ConnectionState {
  if (endedAt !== null) return { name: 'ended', at: endedAt }
  const transport = transportOf(way)
  const by = transport === 'websocket' ? {} : { transport }
  return head > seq ? { name: 'catching-up', done: seq, total: head, ...by } : { name: 'live', ...by }
}

function sameState(a: ConnectionState, b: ConnectionState): boolean {
  if (a.name === 'live') return b.name === 'live' && a.transport === b.transport
  return a.name === b.name && a.name !== 'catching-up'
}

function closed(connection: Connection, input: Closed): Transition {
  const code = input.code ?? 1006
  if (code === 1008 || code === 1009 || (code >= 4500 && code < 5000)) {
    const why = input.reason || `the server closed the connection (${code})`
    const [refused] = down(connection, { name: 'refused', reason: why, status: null })
    return [refused, connection.nextSince === null ? [] : ['drop-next']]
  }
  if (connection.nextSince !== null) {
    const socketAt = connection.nextSince
    const moved = { ...connection, socket: 'opening' as const, socketAt, nextSince: null, draining: false }
    return [{ ...moved, way: 'rich', state: reconnecting(connection, input.now, input.now) }, ['switch']]
  }
  if (connection.socket === 'opening') return failed(connection, input, [])
  if (isUnproven(connection) && UNHEARD.has(code)) return wait(connection, input, ['ask'])
  const broken = connection.way === 'sse' && connection.attempt + 1 >= BROKEN_STREAMS
  return wait(broken ? { ...connection, way: 'poll' } : connection, input, [])
}

/**
 * A handshake failed: go down the ways that ask less of the server and of what stands between. A first failure tells
 * nothing of the subprotocol: the server may be starting, or the connection was cut.
 */
function failed(connection: Connection, input: Closed | Lost<'lost'>, before: readonly Effect[]): Transition {
  const { way, ways } = connection
  const hung = input.type === 'lost'
  const isDoubtful = isDoubted(connection) && !hung
  if (isDoubtful && connection.attempt === 0) return wait(connection, input, before)
  const lesser = way === 'sse' ? 'poll' : isDoubtful ? 'plain' : null
  if (lesser !== null && ways.includes(lesser)) return open({ ...connection, way: lesser }, input.now, before)
  // A browser hides the status of a refused handshake behind 1006.
  const asks: readonly Effect[] = hung && !overHttp(ways) ? [] : ['ask']
  return wait({ ...connection, way: ways[0], hung }, input, [...before, ...asks])
}

/** A socket opened and nothing came over it: where HTTP answers that will do, else the server knows us not. */
function swallowed(connection: Connection, now: number): Transition {
  const way = isDoubted(connection) ? 'plain' : connection.ways[0]
  const state = reconnecting(connection, now, now + ANSWER_MS)
  const { attempt } = connection
  return [{ ...connection, ...NO_SOCKET, way, hung: true, attempt: attempt + 1, state }, ['drop', 'ask']]
}

/** The server answers HTTP while a handshake failed: something does not let WebSocket through. */
function answered(connection: Connection, now: number): Transition {
  const { ways, socket } = connection
  if (isUp(connection) || transportOf(connection.way) !== 'websocket') return [connection, []]
  const blocked = connection.hung ? BLOCKED : connection.blocked + 1
  const way = overHttp(ways)
  if (blocked < BLOCKED || socket !== 'none' || !way) return [{ ...connection, blocked }, []]
  return open({ ...connection, blocked, way, attempt: 0 }, now, [])
}

function wait(
  connection: Connection,
  input: Closed | Lost<'lost'> | Lost<'offline'>,
  effects: readonly Effect[],
): Transition {
  const asked = input.type === 'closed' ? returnOf(input, connection) : null
  const until = input.now + (asked ?? fullJitter(connection.attempt, input.random))
  const before = connection.state
  const offline = input.type === 'offline' || (before.name === 'offline' && input.type === 'closed')
  const state: ConnectionState = {
    ...reconnecting(connection, input.now, until),
    name: offline ? 'offline' : 'reconnecting',
  }
  const attempt = connection.attempt + 1
  return [{ ...connection, ...NO_SOCKET, ...wayAfter(connection), attempt, state }, effects]
}

const NO_SOCKET = { socket: 'none', nextSince: null, nextAt: null } as const

/** A server that did not take our subprotocol once may have been busy. */
function wayAfter({ way, ways, trials }: Connection): Pick<Connection, 'way' | 'trials'> {
  return way === 'plain' ? { way: ways[0], trials: 0 } : { way, trials }
}

function reconnecting({ state, heardAt }: Connection, now: number, until: number) {
  const since = 'since' in state ? state.since : (heardAt ?? now)
  return { name: 'reconnecting' as const, since, until }
}

/** When a server that restarts wants its viewers back, so that they do not all come at once. */
function returnOf(input: Closed, { spreadMs }: Connection): number | null {
  if (input.code !== 1012) return null
  return retryOf(input.reason) ?? (spreadMs === null ? null : Math.round(input.random * spreadMs))
}

function retryOf(reason = ''): number | null {
  try {
    const value: unknown = JSON.parse(reason)
    const retry = isRecord(value) ? value['retry'] : null
    return typeof retry === 'number' ? Math.min(Math.max(0, retry), LONGEST_RETRY_MS) : null
  } catch {
    return null
  }
}

function open(connection: Connection, now: number, before: readonly Effect[]): Transition {
  const first = connection.state.name === 'idle'
  const state: ConnectionState = first ? { name: 'connecting' } : connection.state
  const opening = { socket: 'opening' as const, socketAt: now, nextSince: null, nextAt: null }
  return [{ ...connection, ...opening, state }, [...before, 'open']]
}

function stale(connection: Connection, now: number): Transition {
  const since = connection.heardAt ?? connection.socketAt
  return open({ ...connection, ...wayAfter(connection), state: { name: 'stale', since } }, now, ['drop'])
}

function withoutNext(connection: Connection, now: number, random: number): Connection {
  if (connection.nextSince === null) return connection
  const trials = connection.trials + 1
  const after = connection.draining ? fullJitter(0, random, MOVE_AGAIN) : betterInMs(connection.way, trials)
  return { ...connection, nextSince: null, nextAt: now + after, trials }
}

function tick(connection: Connection, now: number): Transition {
  const nextDue = nextWakeAt(connection)
  if (nextDue !== null && now >= nextDue) {
    if (connection.nextSince !== null) return [withoutNext(connection, now, 1), ['drop-next']]
    return [{ ...connection, nextSince: now, nextAt: null }, ['open-next']]
  }
  const due = ownWakeAt(connection)
  if (due === null || now < due) return [connection, []]
  if (connection.socket === 'opening') return failed(connection, { type: 'lost', now, random: 1 }, ['drop'])
  if (connection.socket === 'none') return open(connection, now, [])
  return isUnproven(connection) ? swallowed(connection, now) : stale(connection, now)
}
