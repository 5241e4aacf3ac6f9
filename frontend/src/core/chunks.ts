/**
 * A log of millions of lines: 4,096 lines are one string with offsets, so that a search is `indexOf` over few strings
 * and a line costs its bytes and little more. Knows no DOM.
 */

export const CHUNK_LINES = 4_096
export const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const
const CONTINUES = 0x80

export type LogLine = {
  /** From 1, of the whole log: a filter does not renumber. */
  number: number
  text: string
  /** Index into `LEVELS`. */
  level: number
  /** Milliseconds since 1970. */
  time: number
  /** The line belongs to the message of the line above. */
  continues: boolean
}

/** What a log view shows: the log itself, or a filter over it. */
export interface LogSource {
  readonly count: number
  line(index: number): LogLine
}

type Chunk = { text: string; offsets: Uint32Array; flags: Uint8Array; times: Float64Array }

/** The rank of a level name; unknown ones count as INFO. */
export function levelRank(name: string | undefined): number {
  const rank = LEVELS.indexOf((name ?? 'INFO') as (typeof LEVELS)[number])
  return rank < 0 ? 1 : rank
}

/** An append-only log. */
export class ChunkedLog implements LogSource {
  count = 0
  #before = 0
  readonly #chunks: Chunk[] = []
  #texts: string[] = []
  #flags: number[] = []
  #times: number[] = []

  /** The next message to be pushed has so many before it, held here or not. */
  begin(before: number): void {
    this.#before = before
  }

  push(text: string, level: number, time: number, continues = false): void {
    this.#texts.push(text)
    this.#flags.push(level | (continues ? CONTINUES : 0))
    this.#times.push(time)
    this.count += 1
    if (this.#texts.length === CHUNK_LINES) this.#seal()
  }

  line(index: number): LogLine {
    const { flags, times } = this.#place(index)
    const at = index % CHUNK_LINES
    const flag = flags[at] ?? 0
    const level = flag & ~CONTINUES
    return {
      number: this.#before + index + 1,
      text: this.text(index),
      level,
      time: times[at] ?? 0,
      continues: flag !== level,
    }
  }

  text(index: number): string {
    const chunk = this.#chunks[Math.floor(index / CHUNK_LINES)]
    const at = index % CHUNK_LINES
    if (!chunk) return this.#texts[at] ?? ''
    return chunk.text.slice(chunk.offsets[at], (chunk.offsets[at + 1] ?? 0) - 1)
  }

  level(index: number): number {
    return (this.#place(index).flags[index % CHUNK_LINES] ?? 0) & ~CONTINUES
  }

  /**
   * Indexes of matching lines in the chunk that holds `from`, from there to the chunk's end or the log's.
   *
   * @returns the matches and where to go on.
   */
  scan(from: number, match: LogMatch): { matches: number[]; next: number } {
    const number = Math.floor(from / CHUNK_LINES)
    const first = number * CHUNK_LINES
    const next = Math.min(first + CHUNK_LINES, this.count)
    const chunk = this.#chunks[number]
    const matches: number[] = []
    const consider = (index: number) => {
      if (index >= from && this.level(index) >= match.minLevel) matches.push(index)
    }
    if (match.pattern === null) for (let index = from; index < next; index++) consider(index)
    else if (chunk) for (const at of hits(chunk, match.pattern)) consider(first + at)
    else
      for (let index = from; index < next; index++) if (test(match.pattern, this.text(index))) consider(index)
    return { matches, next }
  }

  #place(index: number): { flags: ArrayLike<number>; times: ArrayLike<number> } {
    return this.#chunks[Math.floor(index / CHUNK_LINES)] ?? { flags: this.#flags, times: this.#times }
  }

  #seal(): void {
    const offsets = new Uint32Array(CHUNK_LINES + 1)
    let offset = 0
    this.#texts.forEach((text, at) => {
      offsets[at] = offset
      offset += text.length + 1
    })
    offsets[CHUNK_LINES] = offset
    const text = `${this.#texts.join('\n')}\n`
    this.#chunks.push({
      text,
      offsets,
      flags: Uint8Array.from(this.#flags),
      times: Float64Array.from(this.#times),
    })
    this.#texts = []
    this.#flags = []
    this.#times = []
  }
}

/** What a filter lets through: lines at or above a level that hold the text. */
export type LogMatch = { readonly minLevel: number; readonly pattern: RegExp | null }

/** Make the match for a search box: any case matches unless the text has a capital letter. */
export function logMatch(text: string, minLevel: number): LogMatch {
  if (text === '') return { minLevel, pattern: null }
  const flags = text === text.toLowerCase() ? 'gi' : 'g'
  return { minLevel, pattern: new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), flags) }
}

function test(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0
  return pattern.test(text)
}

/** Lines of a sealed chunk that hold the pattern, each once. */
function* hits({ text, offsets }: Chunk, pattern: RegExp): Generator<number> {
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const at = lineAt(offsets, match.index)
    yield at
    pattern.lastIndex = offsets[at + 1] ?? text.length
  }
}

function lineAt(offsets: Uint32Array, position: number): number {
  let low = 0
  let high = CHUNK_LINES - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((offsets[middle] ?? 0) <= position) low = middle
    else high = middle - 1
  }
  return low
}

/** The matching lines of a log that grows: an append-only map of line numbers, filled a chunk at a time. */
export class FilteredLog implements LogSource {
  readonly #log: ChunkedLog
  readonly #match: LogMatch
  #map = new Uint32Array(1_024)
  #scanned = 0
  count = 0

  constructor(log: ChunkedLog, match: LogMatch) {
    this.#log = log
    this.#match = match
  }

  line(index: number): LogLine {
    return this.#log.line(this.#map[index] ?? 0)
  }

  /**
   * Look at lines not seen yet, at most `chunks` chunks of them.
   *
   * @returns whether lines are left to look at.
   */
  advance(chunks = 32): boolean {
    for (let left = chunks; left > 0 && this.#scanned < this.#log.count; left--) {
      const { matches, next } = this.#log.scan(this.#scanned, this.#match)
      this.#reserve(matches.length)
      this.#map.set(matches, this.count)
      this.count += matches.length
      this.#scanned = next
    }
    return this.#scanned < this.#log.count
  }

  #reserve(more: number): void {
    if (this.count + more <= this.#map.length) return
    const grown = new Uint32Array(Math.max(this.#map.length * 2, this.count + more))
    grown.set(this.#map)
    this.#map = grown
  }
}
