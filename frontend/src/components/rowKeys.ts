/** A list of rows that is walked by keys, as any tree. */

import { type RefObject, useEffect } from 'react'
import type { StepRows } from '../hooks/useStepRows'

/** Arrow keys go through the rows and open and close them, as in any tree; Shift and a digit open so many levels. */
export function moveByKey(
  pressed: { code: string; key: string },
  { rows, toggle, openTo }: StepRows,
  at: number,
  onSelect: (stepId: string) => void,
): boolean {
  const { key } = pressed
  const level = levelOf(pressed)
  if (level !== null) {
    openTo(level)
    return true
  }
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

/** The level that a digit key means with what else is on it: Shift and the digit on most keyboards. */
export function levelOf({ code, key }: { code: string; key: string }): number | null {
  const digit = /^Digit(\d)$/.exec(code)?.[1]
  return digit === undefined || /^[\d/?+-]$/.test(key) ? null : Number(digit)
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
