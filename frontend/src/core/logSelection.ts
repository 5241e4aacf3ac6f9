/**
 * The matching messages of a log, newest found first, each with its own number; optionally the lines of a step in
 * groups that open and close. Of chunks that are not held it knows what the server's search says of them.
 */

import { type ChunkedLog, chunkOfMessage, type LogLine, type LogSource, missingLine } from './chunks'
import { CHUNK_LINES, type Chunk } from './logChunk'
import { type LogMatch, matchesIn } from './logMatch'
import { RowIndex } from './rowIndex'

/** What the server's search found in a chunk: how many messages, and these if it is all of them. */
export type Found = { readonly messages: number; readonly lines: readonly LogLine[] | null }

/** What is known of a chunk: from its content, or from the server. */
type Part =
  | { kind: 'scanned'; version: number; places: Int32Array; rows: Int32Array; groups: readonly Group[] }
  | { kind: 'found'; version: number; messages: number; lines: readonly LogLine[] | null }

type Group = { key: string; step: string; messages: number; open: boolean; first: number }
type Rows = { rows: Int32Array; groups: readonly Group[] }

export class LogSelection implements LogSource {
  readonly match: LogMatch
  readonly #log: ChunkedLog
  readonly #cleared: number
  readonly #grouped: boolean
  readonly #parts: (Part | undefined)[] = []
  readonly #index = new RowIndex()
  readonly #toggled = new Set<string>()
  #revision = 0
  /** Messages that match, as far as is known. */
  total = 0

  /** @param options.cleared messages up to this number are left out */
  constructor(log: ChunkedLog, match: LogMatch, options: { cleared?: number; grouped?: boolean } = {}) {
    this.#log = log
    this.match = match
    this.#cleared = options.cleared ?? 0
    this.#grouped = options.grouped ?? false
  }

  get count(): number {
    return this.#index.count
  }

  get revision(): number {
    return this.#revision + this.#log.revision
  }

  line(index: number): LogLine {
    const chunk = this.#index.chunkOf(index)
    const at = index - this.#index.before(chunk)
    const part = this.#parts[chunk]
    if (part?.kind !== 'scanned') return part?.lines?.[at] ?? this.#missing(chunk, at)
    const row = part.rows[at] ?? 0
    if (row >= 0) return this.#log.lineOf(chunk, row)
    const group = part.groups[-1 - row]
    return { ...missingLine(group?.first ?? 0, null), missing: undefined, group }
  }

  indexOf(number: number, row: number): number {
    const chunk = Math.max(0, chunkOfMessage(number))
    if (chunk >= this.#index.chunks) return Math.max(0, this.count - 1)
    const part = this.#parts[chunk]
    const before = this.#index.before(chunk)
    if (!part) return before
    if (part.kind === 'found')
      return before + Math.max(0, part.lines?.findIndex(line => line.number >= number) ?? 0)
    const wanted = this.#log.rowOf(chunk, number, row)
    const at = part.rows.findIndex(each => each >= wanted)
    return before + (at < 0 ? Math.max(0, part.rows.length - 1) : at)
  }

  /**
   * Look at what is held and was not looked at yet, newest first.
   *
   * @param isLate asked after each chunk; true ends it
   * @returns whether chunks are left to look at.
   */
  advance(isLate: () => boolean = () => false): boolean {
    for (let chunk = this.#log.chunks - 1; chunk >= 0 && this.#lastOf(chunk) > this.#cleared; chunk--) {
      const held = this.#log.held(chunk)
      if (!held || this.#parts[chunk]?.version === held.version) continue
      this.#scan(chunk, held.chunk, held.from, held.version)
      if (isLate()) return true
    }
    return false
  }

  /**
   * The newest run of at most `chunks` chunks of which nothing is known, for the server to search.
   *
   * @returns numbers of its first chunk and of the one after its last; `null` where everything is known.
   */
  unknown(chunks: number): { first: number; to: number } | null {
    let to = this.#log.chunks
    while (to > 0 && this.#isKnown(to - 1)) to--
    let first = to
    while (first > 0 && to - first < chunks && !this.#isKnown(first - 1)) first--
    return first === to ? null : { first, to }
  }

  /** Take what the server's search found in a chunk that is not held. */
  found(chunk: number, { messages, lines }: Found): void {
    if (this.#parts[chunk]?.kind === 'scanned') return
    this.#set(chunk, { kind: 'found', version: -1, messages, lines }, lines?.length ?? messages)
  }

  /** Open or close a group; it keeps its place. */
  toggle(key: string): void {
    if (!this.#toggled.delete(key)) this.#toggled.add(key)
    const chunk = Number(key.split(':')[0])
    const held = this.#log.held(chunk)
    if (held) this.#scan(chunk, held.chunk, held.from, held.version)
    this.#revision += 1
  }

  /** How many matches stand before a message. */
  before(number: number): number {
    let count = 0
    const chunk = chunkOfMessage(number)
    this.#parts.forEach((part, each) => {
      if (part && each < chunk) count += messagesOf(part)
      else if (part && each === chunk) count += numbersOf(part, chunk).filter(one => one < number).length
    })
    return count
  }

  /**
   * The next match after a message, or the last before it.
   *
   * @returns its number; `unknown` where the chunk that has it must be fetched first, which is then asked for.
   */
  step(number: number, direction: 1 | -1): number | 'unknown' | null {
    const from = Math.max(0, Math.min(chunkOfMessage(number), this.#parts.length - 1))
    for (let chunk = from; chunk >= 0 && chunk < this.#parts.length; chunk += direction) {
      const part = this.#parts[chunk]
      if (!part || messagesOf(part) === 0) continue
      if (part.kind === 'found' && !part.lines) {
        this.#log.lineOf(chunk, 0)
        return 'unknown'
      }
      const numbers = numbersOf(part, chunk)
      const next = direction > 0 ? numbers.find(one => one > number) : numbers.findLast(one => one < number)
      if (next !== undefined) return next
    }
    return null
  }

  /** Numbers of the matches of each chunk that has some; of those not listed only about where the first is. */
  *numbers(): Generator<readonly number[]> {
    for (const [chunk, part] of this.#parts.entries()) {
      if (!part || messagesOf(part) === 0) continue
      const isListed = part.kind === 'scanned' || part.lines
      yield isListed ? numbersOf(part, chunk) : [chunk * CHUNK_LINES + 1]
    }
  }

  #lastOf(chunk: number): number {
    return chunk * CHUNK_LINES + this.#log.messagesOf(chunk)
  }

  #isKnown(chunk: number): boolean {
    return this.#parts[chunk] !== undefined || this.#lastOf(chunk) <= this.#cleared
  }

  /** A place for a match of a chunk that is not held; asks for it. */
  #missing(chunk: number, at: number): LogLine {
    const { missing, reason } = this.#log.lineOf(chunk, 0)
    return { ...missingLine(chunk * CHUNK_LINES + at + 1, reason ?? null), missing: missing ?? 'loading' }
  }

  #scan(chunk: number, content: Chunk, from: number, version: number): void {
    const first = chunk * CHUNK_LINES + from + 1
    // What is missing of its beginning has to come before it can be said what matches there.
    if (from > 0 && chunk * CHUNK_LINES + from > this.#cleared) this.#log.lineOf(chunk, 0)
    const all = matchesIn(content, this.match)
    const matches = this.#cleared >= first ? all.filter(message => first + message > this.#cleared) : all
    const { rows, groups } = this.#grouped
      ? groupedRows(content, matches, from, chunk, this.#toggled)
      : { rows: plainRows(content, matches, from), groups: [] }
    const places = Int32Array.from(matches, message => message + from)
    this.#set(chunk, { kind: 'scanned', version, places, rows, groups }, rows.length)
  }

  #set(chunk: number, part: Part, rows: number): void {
    const before = this.#parts[chunk]
    this.total += messagesOf(part) - (before ? messagesOf(before) : 0)
    this.#parts[chunk] = part
    this.#index.set(chunk, rows)
    const grew = chunk === this.#parts.length - 1 && !this.#grouped && (!before || before.kind === 'scanned')
    if (!grew) this.#revision += 1
  }
}

function messagesOf(part: Part): number {
  return part.kind === 'scanned' ? part.places.length : part.messages
}

function numbersOf(part: Part, chunk: number): number[] {
  if (part.kind === 'found') return [...new Set(part.lines?.map(line => line.number))]
  return Array.from(part.places, place => chunk * CHUNK_LINES + place + 1)
}

function plainRows(chunk: Chunk, matches: readonly number[], from: number): Int32Array {
  if (chunk.rows === chunk.messages) return Int32Array.from(matches, message => message + from)
  const rows: number[] = []
  for (const message of matches) addRows(rows, chunk, message, from)
  return Int32Array.from(rows)
}

function addRows(rows: number[], chunk: Chunk, message: number, from: number): void {
  for (let row = chunk.firstRow(message); row < chunk.firstRow(message + 1); row++) rows.push(from + row)
}

/** Runs of one step under a row of their own, -1 for the first, -2 for the second …; closed but for those toggled. */
function groupedRows(
  chunk: Chunk,
  matches: readonly number[],
  from: number,
  number: number,
  toggled: ReadonlySet<string>,
): Rows {
  const rows: number[] = []
  const groups: Group[] = []
  for (let at = 0; at < matches.length; ) {
    const step = chunk.step(matches[at] ?? 0)
    let end = at + 1
    while (end < matches.length && chunk.step(matches[end] ?? 0) === step) end++
    const run = matches.slice(at, end)
    at = end
    const first = number * CHUNK_LINES + from + (run[0] ?? 0) + 1
    const key = `${number}:${first}`
    const open = step === null || run.length === 1 || toggled.has(key)
    if (step !== null && run.length > 1)
      rows.push(-groups.push({ key, step, messages: run.length, open, first }))
    if (open) for (const message of run) addRows(rows, chunk, message, from)
  }
  return { rows: Int32Array.from(rows), groups }
}
