/** A list of rows that is walked by keys, as any tree. */

import { type RefObject, useEffect } from 'react'
import type { Row } from '../core/timeline'

/** Arrow keys go through the rows and open and close them, as in any tree. */
export function moveByKey(
  key: string,
  rows: readonly Row[],
  at: number,
  onSelect: (stepId: string) => void,
  toggle: (row: Row) => void,
): boolean {
  const row = rows[at]
  const go = (index: number) => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, index))]
    if (next) onSelect(next.branch.id)
    return next !== undefined
  }
  if (key === 'ArrowDown') return go(at + 1)
  if (key === 'ArrowUp') return go(at - 1)
  if (key === 'Home') return go(0)
  if (key === 'End') return go(rows.length - 1)
  if (!row) return false
  if ((key === 'ArrowRight' && row.open === false) || (key === 'ArrowLeft' && row.open === true)) {
    toggle(row)
    return true
  }
  if (key === 'ArrowRight' && row.open) return go(at + 1)
  if (key !== 'ArrowLeft') return false
  return go(rows.findLastIndex(({ depth }, index) => index < at && depth < row.depth))
}

/** Scrolls, within the list alone, to a row that was chosen elsewhere. */
export function useRowInView(
  scroller: RefObject<HTMLElement | null>,
  index: number,
  rowHeight: number,
): void {
  useEffect(() => {
    const element = scroller.current
    if (!element || index < 0) return
    const top = index * rowHeight
    const bottom = top + rowHeight - element.clientHeight
    if (element.scrollTop > top) element.scrollTop = top
    else if (element.scrollTop < bottom) element.scrollTop = bottom
  }, [scroller, index, rowHeight])
}
