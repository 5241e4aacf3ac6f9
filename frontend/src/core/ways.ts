/** The ways to a server, and when a better one is worth another try. */

import { type Backoff, delayMs } from './backoff'

/** A better way is tried again after a minute, then ever later. */
const BETTER: Backoff = { baseMs: 60_000, capMs: 600_000 }
/** A server may have begun to answer just after it was thought not to know our subprotocol: ask it once more. */
const DOUBT_MS = 1_000

/**
 * Two are WebSockets: with our subprotocol, and without, as any server understands it. The others carry the same
 * messages over HTTP, where something on the way forbids WebSocket.
 */
export type Way = 'rich' | 'plain' | 'sse' | 'poll'
export type Transport = 'websocket' | 'sse' | 'poll'
/** Ways in order of preference. */
export type Ways = readonly [Way, ...Way[]]

export function transportOf(way: Way): Transport {
  return way === 'sse' || way === 'poll' ? way : 'websocket'
}

/** The first way that needs no WebSocket. */
export function overHttp(ways: Ways): Way | undefined {
  return ways.find(way => transportOf(way) !== 'websocket')
}

/** How long a lesser way serves before a better one is tried beside it. */
export function betterInMs(way: Way, trials: number): number {
  return way === 'plain' && trials === 0 ? DOUBT_MS : delayMs(trials, BETTER)
}
