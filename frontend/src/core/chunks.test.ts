import { describe, expect, it } from 'vitest'
import { ChunkedLog, chunkOfMessage, type LogLine } from './chunks'
import { CHUNK_LINES, HELD_CHARACTERS, type LogMessage, levelRank } from './logChunk'

const COUNT = CHUNK_LINES * 2 + 100

const aMessage = (number: number, more: Partial<LogMessage> = {}): LogMessage => ({
  text: `line ${number}`,
  level: 1,
  time: number,
  ...more,
})

const messages = (first: number, last: number): LogMessage[] =>
  Array.from({ length: last - first + 1 }, (_, at) => aMessage(first + at))

function aLog(count = COUNT): ChunkedLog {
  const log = new ChunkedLog()
  for (const message of messages(1, count)) log.push(message)
  return log
}

/** A log whose lines up to `before` are not held, and the chunks it asked for. */
function aLateLog(before: number, more = 0): { log: ChunkedLog; wanted: number[] } {
  const log = new ChunkedLog()
  const wanted: number[] = []
  log.fetchWith(chunk => wanted.push(chunk))
  log.begin(before)
  for (const message of messages(before + 1, before + more)) log.push(message)
  return { log, wanted }
}

const lines = (log: ChunkedLog): LogLine[] => Array.from({ length: log.count }, (_, index) => log.line(index))
const texts = (log: ChunkedLog): string[] => lines(log).map(line => line.text)

describe('a log that is held', () => {
  it('gives back every line as it was pushed, sealed or not', () => {
    const log = new ChunkedLog()
    for (let n = 1; n <= COUNT; n++)
      log.push(aMessage(n, { level: n % 5, step: n % 3 ? 'load#1' : null, gap: n === 7 }))
    for (const n of [1, 7, CHUNK_LINES, CHUNK_LINES + 1, CHUNK_LINES * 2, COUNT]) {
      const step = n % 3 ? 'load#1' : null
      expect(log.line(n - 1)).toMatchObject({
        number: n,
        row: 0,
        text: `line ${n}`,
        level: n % 5,
        time: n,
        step,
      })
      expect(log.line(n - 1).gap).toBe(n === 7)
    }
  })

  it('numbers messages: the further lines of one have its number', () => {
    const log = new ChunkedLog()
    log.push(aMessage(1, { text: 'Traceback:\n  File "x"\nKeyError' }))
    log.push(aMessage(2))

    expect(lines(log).map(({ number, row, text }) => [number, row, text])).toEqual([
      [1, 0, 'Traceback:'],
      [1, 1, '  File "x"'],
      [1, 2, 'KeyError'],
      [2, 0, 'line 2'],
    ])
    expect([log.indexOf(1, 2), log.indexOf(2, 0), log.indexOf(1, 99)]).toEqual([2, 3, 2])
  })

  it('keeps empty lines and separators of other kinds, sealed too', () => {
    const log = new ChunkedLog()
    for (let n = 0; n < CHUNK_LINES; n++) log.push(aMessage(n, { text: n % 2 ? '' : '\u2028' }))
    expect([log.line(0).text, log.line(1).text, log.count]).toEqual(['\u2028', '', CHUNK_LINES])
  })

  it('carries an open colour on to the next line of the same step', () => {
    const log = new ChunkedLog()
    log.push(aMessage(1, { text: '\x1b[31mred\nstill', step: 'a' }))
    log.push(aMessage(2, { step: 'b' }))
    log.push(aMessage(3, { text: 'red too\x1b[0m', step: 'a' }))
    log.push(aMessage(4, { step: 'a' }))
    const red = { fg: 1 }
    expect(lines(log).map(line => line.style)).toEqual([{}, red, {}, red, {}])
    for (const message of messages(5, CHUNK_LINES)) log.push(message)

    expect(
      lines(log)
        .slice(0, 5)
        .map(line => line.style),
    ).toEqual([{}, red, {}, red, {}])
  })

  it('holds the beginning of a long message, and all of it once that is fetched', () => {
    const log = new ChunkedLog()
    const text = `${'x'.repeat(HELD_CHARACTERS)}\nthe end`
    log.push(aMessage(1, { text, seq: 17 }))
    log.push(aMessage(2))
    expect(log.line(0)).toMatchObject({ cut: { seq: 17, length: text.length } })
    expect(log.line(0).text).toHaveLength(HELD_CHARACTERS)
    log.complete(1, text)

    expect(texts(log)).toEqual([...text.split('\n'), 'line 2'])
    expect(lines(log).some(line => line.cut)).toBe(false)
  })

  it('copies messages without what colours them', () => {
    const log = aLog(3)
    log.push(aMessage(4, { text: '\x1b[31mred\x1b[0m\nmore' }))
    expect(log.text(3, 9)).toBe('line 3\nred\nmore')
  })
})

describe('a log that is not all held', () => {
  it('has every line from the start, and asks for the chunk of one that is looked at', () => {
    const { log, wanted } = aLateLog(10_000, 5)
    expect([log.count, log.messages]).toEqual([10_005, 10_005])
    expect(wanted).toEqual([])
    expect(log.line(10_004)).toMatchObject({ number: 10_005, text: 'line 10005' })
    expect(log.line(5_000)).toMatchObject({ number: 5_001, missing: 'loading' })

    expect(wanted).toEqual([1])
  })

  it('shows a chunk once it has come', () => {
    const { log } = aLateLog(10_000)
    const before = log.revision
    log.arrive(1, messages(CHUNK_LINES + 1, CHUNK_LINES * 2))

    expect(log.revision).toBeGreaterThan(before)
    expect(log.line(CHUNK_LINES)).toMatchObject({ number: CHUNK_LINES + 1, text: `line ${CHUNK_LINES + 1}` })
    expect(log.count).toBe(10_000)
  })

  it('takes of a chunk what comes before the lines that were pushed, and keeps those', () => {
    const { log, wanted } = aLateLog(100, 10)
    expect(log.line(99).missing).toBe('loading')
    expect(wanted).toEqual([0])
    // The server's answer may be newer than the feed.
    log.arrive(0, messages(1, 150))
    log.push(aMessage(111))

    expect(texts(log)).toEqual(messages(1, 111).map(message => message.text))
  })

  it('goes on with pushed lines where a chunk that came ends', () => {
    const { log } = aLateLog(100)
    log.arrive(0, messages(1, 130))
    for (const message of messages(101, CHUNK_LINES + 3)) log.push(message)
    expect(texts(log)).toEqual(messages(1, CHUNK_LINES + 3).map(message => message.text))
  })

  it('leaves a hole where messages were passed over, and fills it', () => {
    const log = aLog(50)
    log.fetchWith(() => {})
    log.begin(80)
    log.push(aMessage(81))
    expect([log.count, log.line(80).text, log.line(60).missing]).toEqual([81, 'line 81', 'loading'])
    log.arrive(0, messages(1, 90))

    expect(texts(log)).toEqual(messages(1, 81).map(message => message.text))
  })

  it('keeps the number and the place of a line when a chunk above it has more rows than messages', () => {
    const { log } = aLateLog(10_000, 5)
    const index = log.indexOf(9_000, 0)
    log.arrive(
      0,
      messages(1, CHUNK_LINES).map(message => ({ ...message, text: 'a\nb' })),
    )

    expect(log.count).toBe(10_005 + CHUNK_LINES)
    expect(log.indexOf(9_000, 0)).toBe(index + CHUNK_LINES)
    expect(log.line(log.indexOf(9_000, 0)).number).toBe(9_000)
  })

  it('says why a chunk could not be fetched, and asks again only when told', () => {
    const { log, wanted } = aLateLog(100)
    log.fail(0, 'The server cannot be reached.')
    expect(log.line(3)).toMatchObject({ missing: 'failed', reason: 'The server cannot be reached.' })
    expect(wanted).toEqual([])
    log.retry(0)
    expect(log.line(3).missing).toBe('loading')

    expect(wanted).toEqual([0])
  })

  it('takes an answer that lacks lines for a failure', () => {
    const { log } = aLateLog(100)
    log.arrive(0, messages(1, 99))
    expect(log.line(0).missing).toBe('failed')
  })

  it('drops the chunks unseen for longest beyond its limit, and counts their rows as before', () => {
    const log = new ChunkedLog(4)
    const wanted: number[] = []
    log.fetchWith(chunk => wanted.push(chunk))
    const push = () => {
      for (let n = 0; n < CHUNK_LINES; n++)
        log.push(aMessage(log.messages + 1, n === 0 ? { text: 'a\nb' } : {}))
    }
    for (let chunk = 0; chunk < 4; chunk++) push()
    log.line(0)
    push()

    expect([log.held(0) !== null, log.held(1)]).toEqual([true, null])
    expect(log.count).toBe(5 * (CHUNK_LINES + 1))
    expect(log.line(CHUNK_LINES + 5).missing).toBe('loading')
    expect(wanted).toEqual([1])
  })
})

it('counts chunks by the numbers of messages, from 1', () => {
  expect([1, CHUNK_LINES, CHUNK_LINES + 1].map(chunkOfMessage)).toEqual([0, 0, 1])
})

it('ranks unknown levels as INFO', () => {
  expect([levelRank('DEBUG'), levelRank('CRITICAL'), levelRank('NOTICE'), levelRank(undefined)]).toEqual([
    0, 4, 1, 1,
  ])
})
