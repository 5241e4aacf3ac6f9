/** What of the log a selection copies: the text of its lines, without numbers, times and levels. */

import type { LogRow } from './logRow'

/** @returns `null` where the selection is none over several rows: the browser copies that well itself. */
export function copiedText(rows: readonly LogRow[], selection: Selection | null): string | null {
  if (!selection || selection.isCollapsed || selection.rangeCount === 0) return null
  const range = selection.getRangeAt(0)
  const chosen = rows.filter(row => row.index >= 0 && !row.line?.group && range.intersectsNode(row.text))
  if (chosen.length < 2) return null
  return chosen.map(row => textWithin(row.text, range)).join('\n')
}

function textWithin(element: HTMLElement, range: Range): string {
  const own = document.createRange()
  own.selectNodeContents(element)
  if (range.compareBoundaryPoints(Range.START_TO_START, own) > 0)
    own.setStart(range.startContainer, range.startOffset)
  if (range.compareBoundaryPoints(Range.END_TO_END, own) < 0) own.setEnd(range.endContainer, range.endOffset)
  return own.toString()
}
