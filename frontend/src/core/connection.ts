/**
 * The connection as a pure transition function: inputs carry `now` and `random`, effects are for the shell.
 *
 *     idle -connect-> connecting -opened-> live <-> catching-up
 *                         |                  | closed, gap           | silence          | terminal event
 *                         v                  v                       v                  v
 *                      refused <-404, 4xx- reconnecting <-> offline  stale -> (opens)   ended
 *
 * Knows no socket, no timer and no browser: `api/websocket.ts` carries the effects out and sends `tick` at `wakeAt`.
 */

import { fullJitter } from './backoff'

/** Without any frame for so long a socket that says it is open is not believed. */
export const STALE_MS = 25_000
/** A handshake that takes longer is given up. */
export const HANDSHAKE_MS = 10_000
/** A socket that held so long counts as a success: backing off starts anew. */
const STEADY_MS = 5_000

/** What a screen shows; times are milliseconds since 1970. */
export type ConnectionState =
  | { readonly name: 'idle' | 'connecting' | 'live' }
  | { readonly name: 'catching-up'; readonly done: number; readonly total: number }
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
}

type Timed<Type extends string> = { type: Type; now: number }
type Lost<Type extends string> = Timed<Type> & { random: number }
type Closed = Lost<'closed'> & { code?: number; reason?: string }
type Frame = Timed<'frame'> & { seq?: number; begins?: boolean }

export type Input =
  | Timed<'connect'>
  | Timed<'opened'>
  | Timed<'online'>
  | Timed<'visible'>
  | Timed<'tick'>
  | Timed<'retry'>
  | Lost<'lost'>
  | Lost<'offline'>
  | Closed
  | Frame
  | { type: 'head'; head: number }
  | (Timed<'ended'> & { final: boolean })
  | { type: 'refused'; reason: string; status: number | null }
  | { type: 'disconnect' }

/** `open` a socket, `drop` the one there is, `ask` the HTTP API why a handshake failed. */
export type Effect = 'open' | 'drop' | 'ask'
export type Transition = readonly [Connection, readonly Effect[]]

export const INITIAL: Connection = {
  state: { name: 'idle' },
  socket: 'none',
  attempt: 0,
  socketAt: 0,
  heardAt: null,
  seq: 0,
  head: 0,
  endedAt: null,
}

/** The connection after `input`, and what the shell must do. */
export function transition(connection: Connection, input: Input): Transition {
  if (input.type === 'disconnect') return [{ ...INITIAL, seq: connection.seq }, ['drop']]
  if (input.type === 'connect') {
    return isActive(connection) ? [connection, []] : open({ ...INITIAL, seq: connection.seq }, input.now, [])
  }
  if (!isActive(connection)) return [connection, []]
  switch (input.type) {
    case 'opened':
      return [settle({ ...connection, socket: 'open', socketAt: input.now, heardAt: input.now }), []]
    case 'frame':
      return [settle(hear(connection, input)), []]
    case 'head':
      return [settle({ ...connection, head: Math.max(connection.head, input.head) }), []]
    case 'ended':
      if (!input.final) return [settle({ ...connection, endedAt: input.now }), []]
      return [
        { ...connection, socket: 'none', endedAt: input.now, state: { name: 'ended', at: input.now } },
        ['drop'],
      ]
    case 'refused':
      return [
        {
          ...connection,
          socket: 'none',
          state: { name: 'refused', reason: input.reason, status: input.status },
        },
        ['drop'],
      ]
    case 'closed':
      return closed(connection, input)
    case 'lost':
    case 'offline':
      return wait(connection, input, ['drop'])
    case 'online':
      return isUp(connection) ? [connection, []] : open({ ...connection, attempt: 0 }, input.now, ['drop'])
    case 'retry':
      return open({ ...connection, attempt: 0 }, input.now, ['drop'])
    case 'visible':
      return isSilent(connection, input.now) ? stale(connection, input.now) : [connection, []]
    case 'tick':
      return tick(connection, input.now)
    default:
      return input satisfies never
  }
}

/** When the shell must send `tick` next; null for never. */
export function wakeAt(connection: Connection): number | null {
  const { state, socket } = connection
  if (!isActive(connection)) return null
  if (socket === 'open') return (connection.heardAt ?? connection.socketAt) + STALE_MS
  if (socket === 'opening') return connection.socketAt + HANDSHAKE_MS
  return state.name === 'reconnecting' || state.name === 'offline' ? state.until : null
}

/** True while the connection wants to be up: not idle, refused, or done for good. */
export function isActive({ state, socket }: Connection): boolean {
  if (state.name === 'idle' || state.name === 'refused') return false
  return state.name !== 'ended' || socket !== 'none'
}

function isUp({ socket }: Connection): boolean {
  return socket === 'open'
}

function isSilent(connection: Connection, now: number): boolean {
  return isUp(connection) && now - (connection.heardAt ?? connection.socketAt) >= STALE_MS
}

function hear(connection: Connection, input: Frame): Connection {
  const steady = isUp(connection) && input.now - connection.socketAt >= STEADY_MS
  const begun = input.begins ? { endedAt: null, head: 0 } : {}
  return {
    ...connection,
    ...begun,
    heardAt: input.now,
    attempt: steady ? 0 : connection.attempt,
    seq: input.seq ?? connection.seq,
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

function upState({ endedAt, head, seq }: Connection): ConnectionState {
  if (endedAt !== null) return { name: 'ended', at: endedAt }
  return head > seq ? { name: 'catching-up', done: seq, total: head } : { name: 'live' }
}

function sameState(a: ConnectionState, b: ConnectionState): boolean {
  return a.name === b.name && a.name !== 'catching-up'
}

function closed(connection: Connection, input: Closed): Transition {
  const code = input.code ?? 1006
  if (code === 1008 || (code >= 4500 && code < 5000)) {
    const why = input.reason || `the server closed the connection (${code})`
    return [{ ...connection, socket: 'none', state: { name: 'refused', reason: why, status: null } }, []]
  }
  // A browser hides the status of a refused handshake behind 1006.
  return wait(connection, input, connection.socket === 'opening' ? ['ask'] : [])
}

function wait(
  connection: Connection,
  input: Closed | Lost<'lost'> | Lost<'offline'>,
  effects: readonly Effect[],
): Transition {
  const until = input.now + fullJitter(connection.attempt, input.random)
  const before = connection.state
  const since = 'since' in before ? before.since : (connection.heardAt ?? input.now)
  const offline = input.type === 'offline' || (before.name === 'offline' && input.type === 'closed')
  const state: ConnectionState = { name: offline ? 'offline' : 'reconnecting', since, until }
  return [{ ...connection, socket: 'none', attempt: connection.attempt + 1, state }, effects]
}

function open(connection: Connection, now: number, before: readonly Effect[]): Transition {
  const first = connection.state.name === 'idle'
  const state: ConnectionState = first ? { name: 'connecting' } : connection.state
  return [{ ...connection, socket: 'opening', socketAt: now, state }, [...before, 'open']]
}

function stale(connection: Connection, now: number): Transition {
  const since = connection.heardAt ?? connection.socketAt
  return open({ ...connection, state: { name: 'stale', since } }, now, ['drop'])
}

function tick(connection: Connection, now: number): Transition {
  const due = wakeAt(connection)
  if (due === null || now < due) return [connection, []]
  if (connection.socket === 'open') return stale(connection, now)
  if (connection.socket === 'opening') return wait(connection, { type: 'lost', now, random: 1 }, ['drop'])
  return open(connection, now, [])
}
