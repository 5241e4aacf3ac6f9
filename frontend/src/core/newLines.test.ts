import { expect, it } from 'vitest'
import { NewLines } from './newLines'

const ROWS = 20

/** Paints a log of so many messages, and says which of them are new. */
function paint(lines: NewLines, messages: number, time: number, following = true): number[] {
  lines.beginPaint(messages, ROWS, time, following)
  const numbers = Array.from({ length: messages }, (_, index) => index + 1)
  const found = numbers.filter(number => lines.isNew(number))
  if (following) lines.endPaint(messages)
  return found
}

it('are those that came since the last paint, once', () => {
  const lines = new NewLines()
  lines.setLive(3)
  expect(paint(lines, 3, 0)).toEqual([])
  expect(paint(lines, 5, 1_000)).toEqual([4, 5])
  expect(paint(lines, 5, 1_016)).toEqual([])
  expect(paint(lines, 6, 1_060)).toEqual([6])
})

it('are none while what there is is loaded or caught up with', () => {
  const lines = new NewLines()
  expect(paint(lines, 3, 0)).toEqual([])
  lines.setLive(3)
  expect(paint(lines, 4, 1_000)).toEqual([4])
  lines.setLive(null)
  expect(paint(lines, 5, 2_000)).toEqual([])
  lines.setLive(5)
  expect(paint(lines, 6, 3_000)).toEqual([6])
})

it('are none that came while the reader was elsewhere, nor when another filter shows them', () => {
  const lines = new NewLines()
  lines.setLive(3)
  expect(paint(lines, 3, 0)).toEqual([])
  expect(paint(lines, 5, 1_000, false)).toEqual([])
  expect(paint(lines, 6, 2_000)).toEqual([])
  lines.restart(2)
  expect(paint(lines, 2, 3_000)).toEqual([])
  lines.restart(8)
  expect(paint(lines, 8, 4_000)).toEqual([])
})

it('are none where more come than the eye tells apart', () => {
  const lines = new NewLines()
  lines.setLive(0)
  expect(paint(lines, 1, 0)).toEqual([])
  expect(paint(lines, 4, 50)).toEqual([]) // 60 a second
  expect(paint(lines, 5, 100)).toEqual([5]) // 20 a second
  expect(paint(lines, 6 + ROWS, 60_000)).toEqual([]) // more than a screen at once
})
