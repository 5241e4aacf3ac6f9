import { describe, expect, it } from 'vitest'
import { ChunkLoader } from './chunkLoader'
import { ChunkedLog } from './chunks'
import { CHUNK_LINES, type LogMessage } from './logChunk'

const CHUNKS = 20

type Asked = { chunk: number; answer: () => void; refuse: (reason: string) => void }

/** A log of which nothing is held, and the requests that wait for an answer. */
function aLoader() {
  const log = new ChunkedLog()
  log.begin(CHUNKS * CHUNK_LINES)
  const asked: Asked[] = []
  let changes = 0
  const fetch = (chunk: number) =>
    new Promise<LogMessage[]>((resolve, reject) => {
      const messages = () =>
        Array.from({ length: CHUNK_LINES }, () => ({ text: `of ${chunk}`, level: 1, time: 0 }))
      asked.push({ chunk, answer: () => resolve(messages()), refuse: reason => reject(new Error(reason)) })
    })
  const loader = new ChunkLoader(log, fetch, () => {
    changes += 1
  })
  const look = async (...chunks: number[]) => {
    for (const chunk of chunks) log.line(chunk * CHUNK_LINES)
    await settled()
  }
  return { log, loader, asked, look, numbers: () => asked.map(({ chunk }) => chunk), changes: () => changes }
}

const settled = () => new Promise(resolve => setTimeout(resolve, 0))

describe('a chunk loader', () => {
  it('fetches what is looked at once, however often it is looked at', async () => {
    const { log, asked, look, numbers } = aLoader()
    await look(7, 7)
    await look(7)
    expect(numbers()).toEqual([7])
    asked[0]?.answer()
    await settled()

    expect(log.line(7 * CHUNK_LINES).text).toBe('of 7')
  })

  it('fetches few at a time, the newest wish first, and forgets old ones', async () => {
    const { asked, look, numbers } = aLoader()
    await look(0, 1, 2)
    await look(3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
    expect(numbers()).toEqual([2, 1, 0])
    for (let n = 0; n < 11; n++) {
      asked[n]?.answer()
      await settled()
    }

    expect(numbers().slice(3, 11)).toEqual([12, 11, 10, 9, 8, 7, 6, 5])
    expect(numbers()).not.toContain(3)
  })

  it('fetches the neighbours afterwards, and in silence', async () => {
    const { log, asked, look, numbers, changes } = aLoader()
    await look(5)
    asked[0]?.answer()
    await settled()
    expect(numbers().slice(1).sort()).toEqual([4, 6])
    asked[1]?.refuse('gone')
    await settled()

    expect(log.line(4 * CHUNK_LINES).missing).toBe('loading')
    expect(changes()).toBe(2)
  })

  it('says why a chunk could not be fetched', async () => {
    const { log, asked, look } = aLoader()
    await look(3)
    asked[0]?.refuse('The server cannot be reached.')
    await settled()
    expect(log.line(3 * CHUNK_LINES)).toMatchObject({
      missing: 'failed',
      reason: 'The server cannot be reached.',
    })
  })

  it('changes nothing more once it is stopped', async () => {
    const { log, loader, asked, look, changes } = aLoader()
    await look(3)
    loader.stop()
    asked[0]?.answer()
    await settled()
    expect([log.held(3), changes()]).toEqual([null, 0])
  })
})
