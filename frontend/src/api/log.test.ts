/** The log over HTTP as a server answers it. */

import { describe, expect, it } from 'vitest'
import { EVERYTHING } from '../core/logMatch'
import { HttpApi } from './http'
import { LogApi } from './log'

const signal = new AbortController().signal

/** Answers with each of the values in turn, and remembers what was asked. */
function aLogApi(...values: { status?: number; body: unknown }[]) {
  const asked: { url: URL }[] = []
  const http = new HttpApi('http://headway.test/', async input => {
    asked.push({ url: new URL(input) })
    const { status = 200, body } = values[asked.length - 1] ?? { body: {} }
    return new Response(JSON.stringify(body), { status })
  })
  return { log: new LogApi(http, '01JX'), asked }
}

describe('a chunk', () => {
  const body = {
    seqs: [3, 4],
    timestamps: ['2026-11-22T21:30:00Z', '2026-11-22T21:30:01Z'],
    levels: ['INFO', 'WARNING'],
    step_ids: [null, 'load#1'],
    messages: ['one', 'two'],
    cut: { '1': 20_000 },
    gaps: [0],
  }

  it('is its columns as messages', async () => {
    const { log, asked } = aLogApi({ body })
    const [one, two] = await log.chunk(7, signal, null)
    expect(one).toEqual({
      text: 'one',
      level: 1,
      time: Date.UTC(2026, 10, 22, 21, 30),
      step: null,
      gap: true,
    })
    expect(two).toMatchObject({ text: 'two', level: 2, step: 'load#1', gap: false, seq: 4, length: 20_000 })
    expect(asked[0]?.url.href).toBe('http://headway.test/api/executions/01JX/log/chunks/7')
  })

  it('is of the history that a closed log ends with', async () => {
    const { log, asked } = aLogApi({ body })
    await log.chunk(0, signal, '9f3a01bc.17.02f4f26a')
    expect(asked[0]?.url.search).toBe('?cursor=9f3a01bc.17.02f4f26a')
  })
})

describe('a search', () => {
  const hit = (line: number) => ({ line, timestamp: '', level: 'ERROR', step_id: null, message: 'a\nb' })

  it('lists what the server lists whole, and counts the rest', async () => {
    const { log, asked } = aLogApi({
      body: {
        hits: [hit(5), hit(4_100)],
        total: 9,
        chunks: { 0: 1, 1: 8 },
        complete: true,
        next_line: 8_192,
      },
    })
    const query = { ...EVERYTHING, text: 'x', isRegex: true, minLevel: 3, step: 'load#1' }
    const { next, found } = await log.search(query, 0, 2, signal)

    expect(Object.fromEntries(asked[0]?.url.searchParams ?? [])).toMatchObject({
      ...{ q: 'x', regex: 'true', level: 'ERROR', step_id: 'load#1', from: '0', to: '8192' },
    })
    expect(next).toBe(2)
    expect(found.get(0)?.lines?.[0]).toMatchObject({ number: 6, text: 'a', level: 3, missing: undefined })
    expect(found.get(1)).toEqual({ messages: 8, lines: null })
  })

  it('leaves the chunk in which the time was up to be asked for again', async () => {
    const { log } = aLogApi({
      body: { hits: [], total: 0, chunks: {}, complete: false, next_line: 3 * 4_096 + 5 },
    })
    expect((await log.search(EVERYTHING, 1, 9, signal)).next).toBe(3)
  })
})

it('downloads what a filter shows', () => {
  const { log } = aLogApi()
  expect(log.download).toBe('http://headway.test/api/executions/01JX/log')
  expect(log.downloadOf({ ...EVERYTHING, text: 'a b', minLevel: 2 })).toMatch(/log\?q=a\+b&level=WARNING$/)
  expect(log.downloadOf({ ...EVERYTHING, text: 'a+', isRegex: true, step: 'load#1' })).toMatch(
    /log\?q=a%2B&regex=true&step_id=load%231$/,
  )
})
