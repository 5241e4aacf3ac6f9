/** The log of one execution over HTTP: chunks, search, whole messages, downloads. */

import { type LogLine, missingLine } from '../core/chunks'
import { isRecord } from '../core/events'
import { parseTime } from '../core/format'
import { CHUNK_LINES, LEVELS, type LogMessage, levelRank } from '../core/logChunk'
import type { LogQuery } from '../core/logMatch'
import type { Answer } from '../core/logScan'
import type { Found } from '../core/logSelection'
import { executionPath, type HttpApi, Problem } from './http'

/** Hits the server lists at once; further ones are counted. */
const LISTED_HITS = 1_000
const BUSY_MS = 1_000
const MOST_BUSY = 5

export class LogApi {
  readonly #api: HttpApi
  readonly #executionId: string

  constructor(api: HttpApi, executionId: string) {
    this.#api = api
    this.#executionId = executionId
  }

  /** @param end of the log, once it has one: its history never changes, so caches keep the chunk unasked */
  async chunk(chunk: number, signal: AbortSignal, end: string | null): Promise<LogMessage[]> {
    const query = end === null ? '' : `?cursor=${end}`
    return decodeChunk(await this.#api.get(this.#path(`log/chunks/${chunk}${query}`), { signal }))
  }

  /** Matches of the chunks `first` up to, without it, `to`; the time of the server may end before. */
  async search(query: LogQuery, first: number, to: number, signal: AbortSignal): Promise<Answer> {
    const parameters = new URLSearchParams({
      ...parametersOf(query),
      limit: String(LISTED_HITS),
      from: String(first * CHUNK_LINES),
      to: String(to * CHUNK_LINES),
    })
    const value = await this.#whenFree(() =>
      this.#api.get(this.#path(`log/search?${parameters}`), { signal }),
    )
    return decodeAnswer(value, first, to)
  }

  /** The whole text of a message, by the seq of its event. */
  async message(seq: number, signal?: AbortSignal): Promise<string> {
    const { events } = await this.#api.events(this.#executionId, seq - 1, 1, signal)
    const text = events[0]?.data.message
    return typeof text === 'string' ? text : ''
  }

  /** Address of the log as text. */
  get download(): string {
    return this.#api.address(this.#path('log'))
  }

  /** Address of what a filter shows, as text. */
  downloadOf(query: LogQuery): string {
    return this.#api.address(this.#path(`log?${new URLSearchParams(parametersOf(query))}`))
  }

  /** The server does few searches at a time, and is asked again where it was busy with others. */
  async #whenFree(ask: () => Promise<unknown>): Promise<unknown> {
    for (let busy = 0; ; busy++) {
      try {
        return await ask()
      } catch (error) {
        if (busy === MOST_BUSY || !(error instanceof Problem) || error.code !== 'overloaded') throw error
        await new Promise(resolve => setTimeout(resolve, BUSY_MS))
      }
    }
  }

  #path(rest: string): string {
    return executionPath(this.#executionId, `/${rest}`)
  }
}

function parametersOf({ text, isRegex, minLevel, step }: LogQuery): Record<string, string> {
  return {
    q: text,
    ...(isRegex ? { regex: 'true' } : {}),
    ...(minLevel > 0 ? { level: LEVELS[minLevel] ?? '' } : {}),
    ...(step === null ? {} : { step_id: step }),
  }
}

/** Columns to messages; a column that is short has its defaults. */
function decodeChunk(value: unknown): LogMessage[] {
  const chunk = isRecord(value) ? value : {}
  const column = (name: string): unknown[] => (Array.isArray(chunk[name]) ? chunk[name] : [])
  const [seqs, times, levels] = [column('seqs'), column('timestamps'), column('levels')]
  const steps = column('step_ids')
  const gaps = new Set(column('gaps'))
  const cut = isRecord(chunk['cut']) ? chunk['cut'] : {}
  return column('messages').map((message, place) => {
    const length = cut[place]
    const isCut = typeof length === 'number'
    return {
      text: String(message),
      level: levelRank(levels[place] as string | undefined),
      time: parseTime((times[place] as string | undefined) ?? null),
      step: (steps[place] as string | null | undefined) ?? null,
      gap: gaps.has(place),
      ...(isCut ? { seq: Number(seqs[place]), length } : {}),
    }
  })
}

function decodeAnswer(value: unknown, first: number, to: number): Answer {
  const answer = isRecord(value) ? value : {}
  const counts = isRecord(answer['chunks']) ? answer['chunks'] : {}
  const listed = linesByChunk(Array.isArray(answer['hits']) ? answer['hits'] : [])
  // Where the time was up in the middle of a chunk, that one is asked for again.
  const next = answer['complete'] === false ? Math.floor(Number(answer['next_line']) / CHUNK_LINES) : to
  const found = new Map<number, Found>()
  for (const [key, messages] of Object.entries(counts)) {
    const chunk = Number(key)
    const lines = listed.get(chunk) ?? []
    const isAll = lines.length === messages
    found.set(chunk, { messages: Number(messages), lines: isAll ? lines : null })
  }
  return { next: Math.max(first, next), found }
}

function linesByChunk(hits: readonly unknown[]): Map<number, LogLine[]> {
  const lines = new Map<number, LogLine[]>()
  for (const hit of hits) {
    if (!isRecord(hit)) continue
    const line = Number(hit['line'])
    const chunk = Math.floor(line / CHUNK_LINES)
    const own = lines.get(chunk) ?? []
    own.push(lineOf(hit, line + 1))
    lines.set(chunk, own)
  }
  return lines
}

/** The first line of a hit: the whole message comes with its chunk. */
function lineOf(hit: Record<string, unknown>, number: number): LogLine {
  const [text = ''] = String(hit['message'] ?? '').split('\n', 1)
  return {
    ...missingLine(number, null),
    missing: undefined,
    text,
    level: levelRank(hit['level'] as string | undefined),
    time: parseTime((hit['timestamp'] as string | undefined) ?? null),
    step: (hit['step_id'] as string | null | undefined) ?? null,
  }
}
