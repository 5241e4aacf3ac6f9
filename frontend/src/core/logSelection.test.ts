import { describe, expect, it } from 'vitest'
import { ChunkedLog } from './chunks'
import { CHUNK_LINES, type LogMessage } from './logChunk'
import { EVERYTHING, type LogQuery, logMatch } from './logMatch'
import { LogSelection } from './logSelection'

const COUNT = CHUNK_LINES * 2 + 100

const aMessage = (n: number): LogMessage => ({
  text: `line ${n}${n % 1_000 === 1 ? ' Needle needle' : ''}`,
  level: n % 5,
  time: n,
  step: `step#${n % 2}`,
})

function aLog(count = COUNT): ChunkedLog {
  const log = new ChunkedLog()
  for (let n = 1; n <= count; n++) log.push(aMessage(n))
  return log
}

function aLogOf(...texts: string[]): ChunkedLog {
  const log = new ChunkedLog()
  for (const text of texts) log.push({ text, level: 1, time: 0 })
  return log
}

const select = (log: ChunkedLog, query: Partial<LogQuery>, options = {}) =>
  new LogSelection(log, logMatch({ ...EVERYTHING, ...query }), options)

function all(selection: LogSelection): number[] {
  while (selection.advance(() => true));
  return Array.from({ length: selection.count }, (_, index) => selection.line(index).number)
}

const NEEDLES = [1, 1_001, 2_001, 3_001, 4_001, 5_001, 6_001, 7_001, 8_001]

describe('a selection', () => {
  it('holds each matching message once, with its own number, whatever chunk it is in', () => {
    expect(all(select(aLog(), { text: 'needle' }))).toEqual(NEEDLES)
  })

  it('minds capitals only where the text has some; an expression always does', () => {
    expect(all(select(aLog(), { text: 'NEEDLE' }))).toEqual([])
    expect(all(select(aLog(), { text: 'Needle' }))).toEqual(NEEDLES)
    expect(all(select(aLog(), { text: 'N..DLE', isRegex: true }))).toEqual([])
  })

  it('takes a text literally, and an expression as one', () => {
    const log = aLogOf('a.b', 'axb', '(a|b)*')
    expect(all(select(log, { text: 'a.b' }))).toEqual([1])
    expect(all(select(log, { text: '(a|b)*' }))).toEqual([3])
    expect(all(select(log, { text: '^a.b$', isRegex: true }))).toEqual([1, 2])
    expect(() => select(log, { text: '(', isRegex: true })).toThrow(SyntaxError)
  })

  it('sees a message as a whole, and shows all of its lines', () => {
    const log = aLogOf('one', 'Traceback:\n  File "x"\nKeyError: sku', 'two')
    for (let n = 4; n <= CHUNK_LINES; n++) log.push({ text: 'more', level: 1, time: 0 })
    for (const query of [{ text: 'keyerror' }, { text: 'File.*\\nKey', isRegex: true }]) {
      const selection = select(log, query)
      expect(all(selection)).toEqual([2, 2, 2])
      expect(selection.total).toBe(1)
    }
  })

  it('combines level, step and text', () => {
    expect(all(select(aLog(), { text: 'needle', minLevel: 2 }))).toEqual([])
    expect(all(select(aLog(10), { minLevel: 3 }))).toEqual([3, 4, 8, 9])
    expect(all(select(aLog(10), { minLevel: 3, step: 'step#1' }))).toEqual([3, 9])
  })

  it('goes on as the log grows, over the edge of a chunk, and repeats nothing', () => {
    const log = new ChunkedLog()
    const selection = select(log, { text: 'even' })
    for (let n = 0; n < CHUNK_LINES + 50; n++) {
      log.push({ text: n % 2 ? 'odd' : 'even', level: 1, time: 0 })
      if (n % 33 === 0) selection.advance()
    }
    const numbers = all(selection)
    expect(numbers).toHaveLength((CHUNK_LINES + 50) / 2)
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  it('does not move what is shown when lines come at its end, and does when it finds some above', () => {
    const log = aLog(10)
    const selection = select(log, { text: 'line' })
    selection.advance()
    const before = selection.revision
    log.push(aMessage(11))
    selection.advance()
    expect([selection.revision, selection.count]).toEqual([before, 11])
    const longer = select(aLog(), { text: 'line' })
    longer.advance(() => true)
    const first = longer.revision
    longer.advance(() => true)

    expect(longer.revision).toBeGreaterThan(first)
  })

  it('looks at the newest lines first', () => {
    const selection = select(aLog(), { text: 'needle' })
    expect(selection.advance(() => true)).toBe(true)
    expect(selection.count).toBe(0)
    selection.advance(() => true)
    expect(Array.from({ length: selection.count }, (_, at) => selection.line(at).number)).toEqual(
      NEEDLES.slice(5),
    )
  })

  it('leaves out what was cleared', () => {
    expect(all(select(aLog(), { text: 'needle' }, { cleared: 6_001 }))).toEqual([7_001, 8_001])
    expect(all(select(aLog(20), {}, { cleared: 18 }))).toEqual([19, 20])
  })

  it('finds the row of a line, or the next one that is shown', () => {
    const selection = select(aLog(), { text: 'needle' })
    all(selection)
    expect([1, 2, 1_001, 4_500, 8_001].map(number => selection.indexOf(number, 0))).toEqual([0, 1, 1, 5, 8])
  })

  it('steps from match to match, and says which one it is', () => {
    const selection = select(aLog(), { text: 'needle' })
    all(selection)
    expect([0, 1, 4_001, 8_000, 8_001].map(number => selection.step(number, 1))).toEqual([
      1,
      1_001,
      5_001,
      8_001,
      null,
    ])
    expect([COUNT + 1, 8_001, 1_002, 1].map(number => selection.step(number, -1))).toEqual([
      8_001,
      7_001,
      1_001,
      null,
    ])
    expect(NEEDLES.map(number => selection.before(number))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })
})

describe('a selection of a log that is not all held', () => {
  function aLateLog(): { log: ChunkedLog; wanted: number[] } {
    const log = new ChunkedLog()
    const wanted: number[] = []
    log.fetchWith(chunk => wanted.push(chunk))
    log.begin(CHUNK_LINES * 5)
    log.push(aMessage(CHUNK_LINES * 5 + 1))
    return { log, wanted }
  }

  it('names the newest run of chunks that the server must search', () => {
    const { log } = aLateLog()
    const selection = select(log, { text: 'needle' })
    selection.advance()
    expect(selection.unknown(3)).toEqual({ first: 2, to: 5 })
    for (const chunk of [2, 3, 4]) selection.found(chunk, { messages: 0, lines: [] })
    expect(selection.unknown(3)).toEqual({ first: 0, to: 2 })
    for (const chunk of [0, 1]) selection.found(chunk, { messages: 0, lines: [] })

    expect(selection.unknown(3)).toBeNull()
  })

  it('counts what the server found, shows what it listed, and fetches the rest when it is looked at', () => {
    const { log, wanted } = aLateLog()
    const selection = select(log, { text: 'needle' })
    const listed = { ...log.line(log.count - 1), number: 42, text: 'a needle' }
    selection.found(0, { messages: 1, lines: [listed] })
    selection.found(1, { messages: 500, lines: null })
    selection.advance()

    expect([selection.total, selection.count]).toEqual([501, 501])
    expect(selection.line(0)).toMatchObject({ number: 42, text: 'a needle' })
    expect(wanted).toEqual([])
    expect(selection.line(1).missing).toBe('loading')
    expect(wanted).toEqual([1])
    expect([selection.step(42, -1), selection.step(42, 1)]).toEqual([null, 'unknown'])
  })

  it('holds to what the chunk itself says, once it is held', () => {
    const { log } = aLateLog()
    const selection = select(log, { text: 'needle' })
    selection.found(0, { messages: 500, lines: null })
    log.arrive(
      0,
      Array.from({ length: CHUNK_LINES }, (_, at) => aMessage(at + 1)),
    )

    expect(all(selection)).toEqual(NEEDLES.slice(0, 5))
    expect(selection.total).toBe(5)
  })
})

describe('groups', () => {
  const aGroupedLog = () => {
    const log = new ChunkedLog()
    for (const step of ['a', 'a', 'a', null, 'b', 'a', 'a']) log.push({ text: 'x', level: 1, time: 0, step })
    return log
  }
  const rows = (selection: LogSelection) =>
    Array.from({ length: selection.count }, (_, at) => {
      const { group, number } = selection.line(at)
      return group ? `${group.step} ${group.messages}` : number
    })

  it('fold the consecutive lines of a step under a row of their own', () => {
    const selection = select(aGroupedLog(), {}, { grouped: true })
    selection.advance()
    expect(rows(selection)).toEqual(['a 3', 4, 5, 'a 2'])
  })

  it('open and close in their place', () => {
    const selection = select(aGroupedLog(), {}, { grouped: true })
    selection.advance()
    const key = selection.line(0).group?.key ?? ''
    selection.toggle(key)
    expect(rows(selection)).toEqual(['a 3', 1, 2, 3, 4, 5, 'a 2'])
    selection.toggle(key)
    expect(rows(selection)).toEqual(['a 3', 4, 5, 'a 2'])
  })
})
