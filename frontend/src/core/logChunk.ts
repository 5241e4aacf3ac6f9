/**
 * A run of log messages as one string with offsets, so that a search is few calls over much text and a line costs its
 * bytes and little more. Immutable once sealed; knows neither the log around it nor a DOM.
 */

import { isPlain, PLAIN, type Style, splitMessage, styleAfter } from './ansi'

export const CHUNK_LINES = 4_096
export const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const
/** Of a longer message so much is held; the rest is fetched when asked for. Chunks of the server are cut alike. */
export const HELD_CHARACTERS = 16_384

/** One log event, as the feed or a chunk of the server brings it. */
export type LogMessage = {
  text: string
  /** Index into `LEVELS`. */
  level: number
  /** Milliseconds since 1970; NaN where it is not known. */
  time: number
  step?: string | null | undefined
  /** Events were dropped here. */
  gap?: boolean | undefined
  /** Where the whole message can be fetched, if `text` may be cut. */
  seq?: number | undefined
  /** Characters of the whole message, where `text` is cut already. */
  length?: number | undefined
}

/** Of a message that is not held whole. */
export type Cut = { readonly seq: number; readonly length: number }

/** The rank of a level name; unknown ones count as INFO. */
export function levelRank(name: string | undefined): number {
  const rank = LEVELS.indexOf((name ?? 'INFO') as (typeof LEVELS)[number])
  return rank < 0 ? 1 : rank
}

/** What a chunk knows of its messages, sealed or growing; messages and rows are counted from its first one. */
export interface Chunk {
  readonly messages: number
  /** Lines on the screen: a message has one for each of its lines. */
  readonly rows: number
  text(row: number): string
  /** The whole text of a message, its lines joined. */
  message(message: number): string
  messageOf(row: number): number
  firstRow(message: number): number
  level(message: number): number
  isGap(message: number): boolean
  time(message: number): number
  step(message: number): string | null
  cut(message: number): Cut | undefined
  /** The style that the lines before have left open, each step's apart. */
  openStyle(row: number): Style
}

const GAP = 0x40

/** Collects messages; what it has taken can be read at once. */
export class GrowingChunk implements Chunk {
  readonly #rows: string[] = []
  readonly #firstRows: number[] = []
  readonly #flags: number[] = []
  readonly #times: number[] = []
  readonly #steps: (string | null)[] = []
  readonly #cuts = new Map<number, Cut>()
  readonly #open = new Map<number, Style>()
  readonly #openBySteps = new Map<string | null, Style>()

  get messages(): number {
    return this.#firstRows.length
  }

  get rows(): number {
    return this.#rows.length
  }

  push({ text, level, time, step = null, gap = false, seq, length = text.length }: LogMessage): void {
    const isCut = seq !== undefined && length > HELD_CHARACTERS
    if (isCut) this.#cuts.set(this.messages, { seq, length })
    this.#firstRows.push(this.#rows.length)
    this.#flags.push(level | (gap ? GAP : 0))
    this.#times.push(time)
    this.#steps.push(step)
    this.#addRows(isCut ? text.slice(0, HELD_CHARACTERS) : text, step)
  }

  text(row: number): string {
    return this.#rows[row] ?? ''
  }

  message(message: number): string {
    return this.#rows.slice(this.firstRow(message), this.firstRow(message + 1)).join('\n')
  }

  messageOf(row: number): number {
    return lastAtMost(this.#firstRows, row)
  }

  firstRow(message: number): number {
    return this.#firstRows[message] ?? this.#rows.length
  }

  level(message: number): number {
    return (this.#flags[message] ?? 1) & ~GAP
  }

  isGap(message: number): boolean {
    return ((this.#flags[message] ?? 0) & GAP) !== 0
  }

  time(message: number): number {
    return this.#times[message] ?? Number.NaN
  }

  step(message: number): string | null {
    return this.#steps[message] ?? null
  }

  cut(message: number): Cut | undefined {
    return this.#cuts.get(message)
  }

  openStyle(row: number): Style {
    return this.#open.get(row) ?? PLAIN
  }

  /** @param steps names of steps, shared by all chunks of a log and added to */
  seal(steps: StepNames): SealedChunk {
    return new SealedChunk({
      rows: this.#rows,
      firstRows: this.#firstRows,
      flags: this.#flags,
      times: this.#times,
      steps: this.#steps.map(step => steps.indexOf(step)),
      stepNames: steps,
      cuts: this.#cuts,
      open: this.#open,
    })
  }

  #addRows(text: string, step: string | null): void {
    let open = this.#openBySteps.get(step) ?? PLAIN
    for (const row of splitMessage(text)) {
      if (open !== PLAIN) this.#open.set(this.#rows.length, open)
      this.#rows.push(row)
      if (!row.includes('\x1b')) continue
      const left = styleAfter(row, open)
      open = isPlain(left) ? PLAIN : left
    }
    if (open !== PLAIN) this.#openBySteps.set(step, open)
    else this.#openBySteps.delete(step)
  }
}

/** Step ids by a small number. */
export class StepNames {
  readonly #names: (string | null)[] = [null]
  readonly #indexes = new Map<string | null, number>([[null, 0]])

  indexOf(step: string | null): number {
    const known = this.#indexes.get(step)
    if (known !== undefined) return known
    this.#indexes.set(step, this.#names.length)
    return this.#names.push(step) - 1
  }

  name(index: number): string | null {
    return this.#names[index] ?? null
  }
}

type Columns = {
  rows: readonly string[]
  firstRows: readonly number[]
  flags: readonly number[]
  times: readonly number[]
  steps: readonly number[]
  stepNames: StepNames
  cuts: ReadonlyMap<number, Cut>
  open: ReadonlyMap<number, Style>
}

/** Never changes: about its text and 17 bytes a message. */
export class SealedChunk implements Chunk {
  readonly messages: number
  readonly rows: number
  readonly #text: string
  readonly #offsets: Uint32Array
  /** `null` where each message has one row. */
  readonly #firstRows: Uint32Array | null
  readonly #flags: Uint8Array
  readonly #times: Float64Array
  readonly #steps: Uint32Array
  readonly #stepNames: StepNames
  readonly #cuts: ReadonlyMap<number, Cut>
  readonly #open: ReadonlyMap<number, Style>

  constructor(columns: Columns) {
    const { rows, firstRows } = columns
    this.messages = firstRows.length
    this.rows = rows.length
    // One piece: a string put together of two would be copied as a whole by the first search.
    this.#text = [...rows, ''].join('\n')
    this.#offsets = offsetsOf(rows)
    this.#firstRows = rows.length === firstRows.length ? null : Uint32Array.from(firstRows)
    this.#flags = Uint8Array.from(columns.flags)
    this.#times = Float64Array.from(columns.times)
    this.#steps = Uint32Array.from(columns.steps)
    this.#stepNames = columns.stepNames
    this.#cuts = columns.cuts
    this.#open = columns.open
  }

  text(row: number): string {
    return this.#text.slice(this.#offsets[row], (this.#offsets[row + 1] ?? 0) - 1)
  }

  message(message: number): string {
    const end = this.#offsets[this.firstRow(message + 1)] ?? 0
    return this.#text.slice(this.#offsets[this.firstRow(message)], end - 1)
  }

  messageOf(row: number): number {
    return this.#firstRows ? lastAtMost(this.#firstRows, row) : row
  }

  firstRow(message: number): number {
    if (message >= this.messages) return this.rows
    return this.#firstRows ? (this.#firstRows[message] ?? 0) : message
  }

  level(message: number): number {
    return (this.#flags[message] ?? 1) & ~GAP
  }

  isGap(message: number): boolean {
    return ((this.#flags[message] ?? 0) & GAP) !== 0
  }

  time(message: number): number {
    return this.#times[message] ?? Number.NaN
  }

  step(message: number): string | null {
    return this.#stepNames.name(this.#steps[message] ?? 0)
  }

  cut(message: number): Cut | undefined {
    return this.#cuts.get(message)
  }

  openStyle(row: number): Style {
    return this.#open.get(row) ?? PLAIN
  }

  /** Messages with a row that holds the pattern, each once; the pattern must not match a line break. */
  *holding(pattern: RegExp): Generator<number> {
    pattern.lastIndex = 0
    for (let match = pattern.exec(this.#text); match; match = pattern.exec(this.#text)) {
      const message = this.messageOf(lastAtMost(this.#offsets, match.index))
      yield message
      pattern.lastIndex = this.#offsets[this.firstRow(message + 1)] ?? this.#text.length
    }
  }
}

function offsetsOf(rows: readonly string[]): Uint32Array {
  const offsets = new Uint32Array(rows.length + 1)
  let offset = 0
  for (let row = 0; row < rows.length; row++) {
    offsets[row] = offset
    offset += (rows[row] ?? '').length + 1
  }
  offsets[rows.length] = offset
  return offsets
}

/** Index of the last of rising numbers that is at most `value`; 0 where none is. */
export function lastAtMost(rising: ArrayLike<number>, value: number): number {
  let low = 0
  let high = rising.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((rising[middle] ?? 0) <= value) low = middle
    else high = middle - 1
  }
  return low
}
