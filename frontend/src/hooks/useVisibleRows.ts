/** Which rows of a long list of equally high rows are in view, a few more on either side. */

import { type RefObject, useCallback, useSyncExternalStore } from 'react'
import { useSize } from './useSize'

const MARGIN = 6
/** Shown where there is no layout to measure. */
const ROWS_WITHOUT_LAYOUT = 40

export type VisibleRows = {
  readonly first: number
  /** One past the last. */
  readonly end: number
  /** Rows that fit into the view. */
  readonly fitting: number
}

/** @param ref the element that scrolls */
export function useVisibleRows(
  ref: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
): VisibleRows {
  const { height } = useSize(ref)
  const subscribe = useCallback(
    (listener: () => void) => {
      const element = ref.current
      element?.addEventListener('scroll', listener, { passive: true })
      return () => element?.removeEventListener('scroll', listener)
    },
    [ref],
  )
  // A number: the component renders when another row comes to the top, not at each pixel.
  const top = useSyncExternalStore(subscribe, () => Math.floor((ref.current?.scrollTop ?? 0) / rowHeight))
  const fitting = height > 0 ? Math.ceil(height / rowHeight) : ROWS_WITHOUT_LAYOUT
  const first = Math.max(0, Math.min(top, count - fitting) - MARGIN)
  return { first, end: Math.min(count, top + fitting + MARGIN), fitting }
}
