/** The lines that the page's address names (`#L120-L140`), read and written without a step in the history. */

import { useState, useSyncExternalStore } from 'react'
import { hashOf, type LineRange, lineRangeOf } from '../core/lineRange'

/** @param isLinked false keeps the lines out of the address, which belongs to the embedding page */
export function useLineHash(isLinked: boolean): [LineRange | null, (range: LineRange | null) => void] {
  const [own, setOwn] = useState<LineRange | null>(null)
  const hash = useSyncExternalStore(subscribe, () => (isLinked ? location.hash : ''))
  const linked = useStable(hash)
  return isLinked ? [linked, linkLines] : [own, setOwn]
}

/** Name lines in the page's address; what is there already is left, as a router may be about to change the rest. */
export function linkLines(range: LineRange | null): void {
  const { pathname, search, hash } = location
  const wanted = range ? hashOf(range) : ''
  if (hash === wanted) return
  history.replaceState(history.state, '', `${pathname}${search}${wanted}`)
  for (const listener of [...listeners]) listener()
}

const listeners = new Set<() => void>()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  addEventListener('hashchange', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('hashchange', listener)
  }
}

/** The same object for the same hash, so that effects run only when it changes. */
function useStable(hash: string): LineRange | null {
  const [known, setKnown] = useState(() => ({ hash, range: lineRangeOf(hash) }))
  if (known.hash === hash) return known.range
  const next = { hash, range: lineRangeOf(hash) }
  setKnown(next)
  return next.range
}
