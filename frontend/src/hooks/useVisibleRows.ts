/** Which rows of a long list of equally high rows are in view, a few more on either side. */

import { type RefObject, useCallback, useRef, useSyncExternalStore } from 'react'
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
  // Read when it scrolls, not when it renders: each look at the element would lay out the page.
  const known = useRef(0)
  const subscribe = useCallback(
    (listener: () => void) => {
      const element = ref.current
      const look = () => {
        known.current = Math.floor((element?.scrollTop ?? 0) / rowHeight)
        listener()
      }
      look()
      element?.addEventListener('scroll', look, { passive: true })
      return () => element?.removeEventListener('scroll', look)
    },
    [ref, rowHeight],
  )
  // A number: the component renders when another row comes to the top, not at each pixel.
  const top = useSyncExternalStore(subscribe, () => known.current)
  const fitting = height > 0 ? Math.ceil(height / rowHeight) : ROWS_WITHOUT_LAYOUT
  const first = Math.max(0, Math.min(top, count - fitting) - MARGIN)
  return { first, end: Math.min(count, top + fitting + MARGIN), fitting }
}
