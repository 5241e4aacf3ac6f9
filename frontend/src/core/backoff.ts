/** How long to wait before the next try; knows no clock and no randomness. */

export type Backoff = { baseMs: number; capMs: number }

export const BACKOFF: Backoff = { baseMs: 250, capMs: 15_000 }

/**
 * Full jitter: anywhere between 0 and the doubled, capped delay, so that clients cut off together come back apart.
 *
 * @param attempt failed tries so far, from 0
 * @param random from 0 to below 1
 */
export function fullJitter(attempt: number, random: number, backoff: Backoff = BACKOFF): number {
  return Math.round(random * delayMs(attempt, backoff))
}

/** The doubled, capped delay itself, for what comes to one client at a time. */
export function delayMs(attempt: number, { baseMs, capMs }: Backoff): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30))
}
