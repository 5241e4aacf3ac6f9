import { describe, expect, it } from 'vitest'
import { CHUNK_LINES, ChunkedLog, FilteredLog, levelRank, logMatch } from './chunks'

const COUNT = CHUNK_LINES * 2 + 100

function aLog(count = COUNT): ChunkedLog {
  const log = new ChunkedLog()
  for (let n = 0; n < count; n++)
    log.push(`line ${n}${n % 1_000 === 0 ? ' Needle needle' : ''}`, n % 5, n, n % 7 === 6)
  return log
}

function all(filter: FilteredLog): number[] {
  while (filter.advance(1));
  return Array.from({ length: filter.count }, (_, index) => filter.line(index).number)
}

describe('ChunkedLog', () => {
  it('gives back every line as it was pushed, sealed or not', () => {
    const log = aLog()
    expect(log.count).toBe(COUNT)
    for (const index of [0, 1, CHUNK_LINES - 1, CHUNK_LINES, CHUNK_LINES * 2, COUNT - 1]) {
      expect(log.line(index)).toEqual({
        number: index + 1,
        text: `line ${index}${index % 1_000 === 0 ? ' Needle needle' : ''}`,
        level: index % 5,
        time: index,
        continues: index % 7 === 6,
      })
    }
  })

  it('keeps empty lines and lines with separators of other kinds', () => {
    const log = new ChunkedLog()
    for (let n = 0; n < CHUNK_LINES; n++) log.push(n % 2 ? '' : '\u2028', 1, 0)
    expect([log.text(0), log.text(1), log.text(CHUNK_LINES - 1)]).toEqual(['\u2028', '', ''])
  })
})

describe('FilteredLog', () => {
  it('holds each matching line once, with its own number, whatever chunk it is in', () => {
    const filter = new FilteredLog(aLog(), logMatch('needle', 0))
    expect(all(filter)).toEqual([1, 1_001, 2_001, 3_001, 4_001, 5_001, 6_001, 7_001, 8_001])
  })

  it('minds capitals only where the search has some', () => {
    expect(all(new FilteredLog(aLog(), logMatch('NEEDLE', 0)))).toEqual([])
    expect(all(new FilteredLog(aLog(), logMatch('Needle', 0)))).toHaveLength(9)
  })

  it('takes what is typed literally', () => {
    const log = new ChunkedLog()
    for (const text of ['a.b', 'axb', '(a|b)*']) log.push(text, 1, 0)
    expect(all(new FilteredLog(log, logMatch('a.b', 0)))).toEqual([1])
    expect(all(new FilteredLog(log, logMatch('(a|b)*', 0)))).toEqual([3])
  })

  it('combines level and text', () => {
    const numbers = all(new FilteredLog(aLog(), logMatch('needle', 1)))
    expect(numbers).toEqual([])
    expect(all(new FilteredLog(aLog(10), logMatch('', 3)))).toEqual([4, 5, 9, 10])
  })

  it('goes on as the log grows, over the edge of a chunk, and repeats nothing', () => {
    const log = new ChunkedLog()
    const filter = new FilteredLog(log, logMatch('even', 0))
    for (let n = 0; n < CHUNK_LINES + 50; n++) {
      log.push(n % 2 ? 'odd' : 'even', 1, 0)
      if (n % 33 === 0) filter.advance()
    }
    const numbers = all(filter)
    expect(numbers).toHaveLength((CHUNK_LINES + 50) / 2)
    expect(new Set(numbers).size).toBe(numbers.length)
  })
})

it('ranks unknown levels as INFO', () => {
  expect([levelRank('DEBUG'), levelRank('CRITICAL'), levelRank('NOTICE'), levelRank(undefined)]).toEqual([
    0, 4, 1, 1,
  ])
})
