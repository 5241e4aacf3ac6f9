import { describe, expect, it, vi } from 'vitest'
import { ChunkedLog } from './chunks'
import { CHUNK_LINES } from './logChunk'
import { EVERYTHING, logMatch } from './logMatch'
import { type AskServer, LogScan } from './logScan'
import { type Found, LogSelection } from './logSelection'

const NONE: Found = { messages: 0, lines: [] }

/** The first chunks are not held; the lines of those that are say their number. */
function aLog(missing: number, held: number): ChunkedLog {
  const log = new ChunkedLog()
  log.fetchWith(() => {})
  log.begin(missing * CHUNK_LINES)
  for (let n = 0; n < held * CHUNK_LINES; n++) log.push({ text: `line ${n}`, level: 1, time: 0 })
  return log
}

function aScan(log: ChunkedLog, ask: AskServer | null) {
  const selection = new LogSelection(log, logMatch({ ...EVERYTHING, text: 'line' }))
  const pauses: number[] = []
  let now = 0
  const clock = {
    now: () => {
      now += 5
      return now
    },
    later: (callback: () => void, ms: number) => {
      pauses.push(ms)
      queueMicrotask(callback)
    },
  }
  const scan = new LogScan(selection, ask, () => {}, clock)
  const ended = async () => {
    while (scan.state.searching) await new Promise(resolve => setTimeout(resolve, 0))
  }
  return { scan, selection, pauses, ended }
}

/** One chunk a slice, as on a slow machine. */
function slowly(selection: LogSelection): LogSelection['advance'] {
  const advance = selection.advance.bind(selection)
  return () => advance(() => true)
}

describe('a scan', () => {
  it('goes from slice to slice without a timer, which a browser would delay each time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      const selection = new LogSelection(aLog(0, 3), logMatch({ ...EVERYTHING, text: 'line' }))
      await new Promise<void>(resolve => {
        const scan = new LogScan(selection, null, () => scan.state.searching || resolve())
        selection.advance = slowly(selection)
        scan.changed()
      })
      expect(selection.total).toBe(3 * CHUNK_LINES)
    } finally {
      vi.useRealTimers()
    }
  })

  it('looks through what is held in slices, with a pause after each', async () => {
    const { scan, selection, pauses, ended } = aScan(aLog(0, 6), null)
    scan.changed()
    await ended()
    expect(selection.total).toBe(6 * CHUNK_LINES)
    expect(pauses.length).toBeGreaterThanOrEqual(2)
  })

  it('asks the server for the rest, newest first, and goes on where its time was up', async () => {
    const asked: [number, number][] = []
    const { scan, selection, ended } = aScan(aLog(100, 1), async (first, to) => {
      asked.push([first, to])
      const next = Math.min(to, first + 40)
      return { next, found: new Map([[first, { messages: 3, lines: null }]]) }
    })
    scan.changed()
    await ended()

    expect(asked).toEqual([
      [36, 100],
      [76, 100],
      [0, 36],
    ])
    expect(selection.total).toBe(CHUNK_LINES + 9)
    expect(scan.state).toEqual({ searching: false, failed: null })
  })

  it('says why the server could not be asked, keeps what it has, and asks again when told', async () => {
    let works = false
    const { scan, selection, ended } = aScan(aLog(10, 1), async (_, to) => {
      if (!works) throw new Error('The server cannot be reached.')
      return { next: to, found: new Map([[2, { messages: 5, lines: null }]]) }
    })
    scan.changed()
    await ended()
    expect(scan.state.failed).toBe('The server cannot be reached.')
    expect(selection.total).toBe(CHUNK_LINES)
    works = true
    scan.retry()
    await new Promise(resolve => setTimeout(resolve, 5))

    expect(scan.state.failed).toBeNull()
    expect(selection.total).toBe(CHUNK_LINES + 5)
  })

  it('goes on with lines that come while it runs', async () => {
    const log = aLog(1, 1)
    const { scan, selection, ended } = aScan(log, async (_, to) => {
      log.push({ text: 'a line', level: 1, time: 0 })
      scan.changed()
      return { next: to, found: new Map([[0, NONE]]) }
    })
    scan.changed()
    await ended()
    await ended()
    expect(selection.total).toBe(CHUNK_LINES + 1)
  })

  it('asks nobody any more once it is stopped', async () => {
    let asked = 0
    const { scan } = aScan(aLog(10, 0), async (_, to) => {
      asked += 1
      return { next: to, found: new Map() }
    })
    scan.changed()
    scan.stop()
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(asked).toBe(0)
  })
})
