import { expect, it } from 'vitest'
import { ChunkedLog } from './chunks'
import { between, headOf, neighbour } from './lineCursor'
import { EVERYTHING, logMatch } from './logMatch'
import { LogSelection } from './logSelection'

function aLog(...texts: string[]): ChunkedLog {
  const log = new ChunkedLog()
  for (const text of texts) log.push({ text, level: 1, time: 0, step: 'load' })
  return log
}

it('goes from message to message, however many rows they have', () => {
  const log = aLog('one', 'two\nof\nthree', 'three')

  expect(neighbour(log, 1, 1)).toBe(2)
  expect(neighbour(log, 2, 1)).toBe(3)
  expect(neighbour(log, 3, -1)).toBe(2)
  expect(neighbour(log, 2, -1)).toBe(1)
})

it('stays at the first and the last', () => {
  const log = aLog('one', 'two')

  expect(neighbour(log, 1, -1)).toBe(1)
  expect(neighbour(log, 2, 1)).toBe(2)
  expect(neighbour(aLog(), 1, 1)).toBe(1)
})

it('goes only to lines that are shown, and not to the head of a group', () => {
  const log = aLog('hit', 'no', 'hit', 'no', 'hit')
  const shown = new LogSelection(log, logMatch({ ...EVERYTHING, text: 'hit' }))
  shown.advance()
  expect([neighbour(shown, 1, 1), neighbour(shown, 5, -1)]).toEqual([3, 3])

  const grouped = new LogSelection(log, logMatch(EVERYTHING), { grouped: true })
  grouped.advance()
  expect(neighbour(grouped, 1, 1)).toBe(1)
})

it('stretches from where choosing began, and back over it', () => {
  let [range, anchor] = [between(5, 5), 5]
  for (const head of [6, 7, 6, 5, 4, 3]) range = between(anchor, head)
  expect(range).toEqual({ first: 3, last: 5 })
  expect(headOf(range, anchor)).toBe(3)
  anchor = 3
  expect(headOf(range, anchor)).toBe(5)
  expect(headOf(range, null)).toBe(5)
})
