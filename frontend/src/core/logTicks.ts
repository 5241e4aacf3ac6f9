/** Where matches stand along a log, for the marks beside its scroll bar. */

import type { LogSource } from './chunks'
import type { LogSelection } from './logSelection'

/** @returns rising places from 0 to `places` - 1, each once. */
export function tickPlaces(hits: LogSelection, shown: LogSource, places: number): number[] {
  const { count } = shown
  if (count === 0) return []
  const marked = new Uint8Array(places)
  const placeOf = (number: number) =>
    Math.min(places - 1, Math.floor((shown.indexOf(number, 0) / count) * places))
  for (const numbers of hits.numbers()) {
    const [first = 1, last = first] = [numbers[0], numbers.at(-1)]
    // A chunk is less than a place in a long log: one look is enough.
    const few = placeOf(first) === placeOf(last) ? [first] : numbers
    for (const number of few) marked[placeOf(number)] = 1
  }
  return [...marked.keys()].filter(place => marked[place] === 1)
}
