/** The chosen lines moved and stretched by keys: one end of them stays, the other moves among the lines shown. */

import type { LogSource } from './chunks'
import type { LineRange } from './lineRange'

/** The message shown after another, or before it; that one itself where there is none. */
export function neighbour(source: LogSource, number: number, by: 1 | -1): number {
  for (let at = source.indexOf(number, 0); at >= 0 && at < source.count; at += by) {
    const { number: next, group } = source.line(at)
    if (!group && (by > 0 ? next > number : next < number)) return next
  }
  return number
}

/** The end that moves: not the one where choosing began. */
export function headOf({ first, last }: LineRange, anchor: number | null): number {
  return anchor === last ? first : last
}

/** From where choosing began to another line. */
export function between(anchor: number, head: number): LineRange {
  return { first: Math.min(anchor, head), last: Math.max(anchor, head) }
}
