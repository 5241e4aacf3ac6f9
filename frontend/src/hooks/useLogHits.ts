/** From one match of a search to the next, wherever it is: what is not held is fetched first. */

import { useCallback, useEffect, useRef, useState } from 'react'
import type { SelectedLines } from './useLogSelection'
import type { LogViewHandle } from './useLogView'

export type LogHits = {
  /** Number of the message that the search stands at. */
  readonly current: number | null
  /** Which match it is, from 1. */
  readonly ordinal: number | null
  go(direction: 1 | -1): void
}

/** @param messages of the whole log */
export function useLogHits(
  { selection, version }: SelectedLines,
  view: Pick<LogViewHandle, 'show' | 'top'>,
  messages: number,
): LogHits {
  const [current, setCurrent] = useState<number | null>(null)
  const pending = useRef<1 | -1 | null>(null)
  const { show, top } = view

  // biome-ignore lint/correctness/useExhaustiveDependencies: another search begins anew
  useEffect(() => {
    setCurrent(null)
    pending.current = null
  }, [selection])

  const go = useCallback(
    (direction: 1 | -1) => {
      if (!selection || selection.total === 0) return
      const around = direction > 0 ? 0 : messages + 1
      const next =
        current === null
          ? (selection.step(top() - 1, 1) ?? selection.step(top(), -1))
          : (selection.step(current, direction) ?? selection.step(around, direction))
      pending.current = next === 'unknown' ? direction : null
      if (typeof next !== 'number') return
      setCurrent(next)
      show(next)
    },
    [selection, current, messages, show, top],
  )

  // biome-ignore lint/correctness/useExhaustiveDependencies: more is known of the matches
  useEffect(() => {
    if (pending.current) go(pending.current)
  }, [version, go])

  const ordinal = selection && current !== null ? selection.before(current) + 1 : null
  return { current, ordinal, go }
}
