/**
 * A log of millions of lines from its first to its newest, whether held here or not: what is not is fetched in chunks
 * of 4,096 messages when a line of it is asked for. Knows no DOM and no server.
 */

import { PLAIN, plainText, type Style } from './ansi'
import { CHUNK_LINES, type Chunk, type Cut, GrowingChunk, type LogMessage, StepNames } from './logChunk'
import { RowIndex } from './rowIndex'

/** More are dropped, those unseen for longest first: about 1.6 million lines and 150 MB. */
export const HELD_CHUNKS = 400

/** One row on the screen. */
export type LogLine = {
  /** Of the message, from 1, of the whole log: neither a filter nor what is fetched renumbers. */
  number: number
  /** Which row of its message, from 0. */
  row: number
  text: string
  /** Index into `LEVELS`. */
  level: number
  /** Milliseconds since 1970. */
  time: number
  step: string | null
  gap: boolean
  /** What the lines above have left open. */
  style: Style
  /** The last held row of a message that is longer. */
  cut?: Cut | undefined
  /** The row is not held. */
  missing?: 'loading' | 'failed' | undefined
  /** Why it could not be fetched. */
  reason?: string | undefined
  /** The row stands above the lines of a step. */
  group?: LogGroup | undefined
}

export type LogGroup = {
  readonly key: string
  readonly step: string
  readonly messages: number
  readonly open: boolean
}

/** What a log view shows: the log itself, or a selection of it. */
export interface LogSource {
  /** Rows. */
  readonly count: number
  /** Changes whenever a row that was there before moves or looks different. */
  readonly revision: number
  line(index: number): LogLine
  /** Where a row of a message is, or the next one that is shown. */
  indexOf(number: number, row: number): number
}

/** Called with the number of a chunk whose line was asked for and is not held, each time. */
export type ChunkWanted = (chunk: number) => void

/** A place for 4,096 messages. */
type Slot = {
  chunk: Chunk | null
  /** So many of its first messages are not held. */
  from: number
  failed: string | null
  seenAt: number
  version: number
}

/** What is held of a place for 4,096 messages: all but the first `from` of them. */
export type HeldChunk = { readonly chunk: Chunk; readonly from: number; readonly version: number }

export class ChunkedLog implements LogSource {
  /** Messages that exist. */
  messages = 0
  readonly #slots: Slot[] = []
  readonly #index = new RowIndex()
  readonly #steps = new StepNames()
  #growing: GrowingChunk | null = null
  #wanted: ChunkWanted | null = null
  #revision = 0
  #tick = 0
  readonly #mostHeld: number

  /** @param mostHeld chunks; fewer than the view shows at once would be fetched over and over */
  constructor(mostHeld = HELD_CHUNKS) {
    this.#mostHeld = mostHeld
  }

  get revision(): number {
    return this.#revision
  }

  /** Rows on the screen; a message that is not held counts as one. */
  get count(): number {
    return this.#index.count
  }

  /** Places for 4,096 messages. */
  get chunks(): number {
    return this.#slots.length
  }

  /** From now on what is not held can be fetched, and what was not seen for long is dropped. */
  fetchWith(wanted: ChunkWanted | null): void {
    this.#wanted = wanted
    this.#revision += 1
  }

  /** The next message to be pushed has so many before it; those that are not held are fetched when asked for. */
  begin(before: number): void {
    if (before <= this.messages) return
    // Of a place only the end may be held: what lacks its own end is fetched anew, whole.
    if (this.#growing) this.#forget(this.#slots.length - 1)
    this.messages = before
    for (let chunk = Math.max(0, this.#slots.length - 1); chunk * CHUNK_LINES < before; chunk++) {
      const slot = this.#slotAt(chunk)
      if (!slot.chunk) this.#index.set(chunk, this.messagesOf(chunk))
    }
    this.#revision += 1
  }

  push(message: LogMessage): void {
    const number = Math.floor(this.messages / CHUNK_LINES)
    const slot = this.#slotAt(number)
    if (!this.#growing) {
      this.#growing = new GrowingChunk()
      slot.chunk = this.#growing
      slot.from = this.messages % CHUNK_LINES
    }
    this.#growing.push(message)
    this.messages += 1
    slot.version += 1
    this.#index.set(number, slot.from + this.#growing.rows)
    if (this.messages % CHUNK_LINES > 0) return
    slot.chunk = this.#growing.seal(this.#steps)
    slot.seenAt = ++this.#tick
    this.#growing = null
    this.#dropUnseen()
  }

  /** Take what was fetched: a chunk's messages from its first one on, as far as they are missing. */
  arrive(number: number, messages: readonly LogMessage[]): void {
    const slot = this.#slots[number]
    if (!slot) return
    const missing = slot.chunk ? slot.from : this.messagesOf(number)
    if (missing === 0) return
    if (messages.length < missing) return this.fail(number, 'the server does not have all of it')
    const held = slot.chunk
    slot.from = 0
    slot.failed = null
    this.#rebuild(number, [...messages.slice(0, missing), ...(held ? contentOf(held) : [])])
    this.#dropUnseen()
  }

  /** A chunk could not be fetched: its lines say so. */
  fail(number: number, reason: string): void {
    const slot = this.#slots[number]
    if (slot) slot.failed = reason
    this.#revision += 1
  }

  /** Forget that a chunk could not be fetched: it is asked for again. */
  retry(number: number): void {
    const slot = this.#slots[number]
    if (slot) slot.failed = null
    this.#revision += 1
  }

  /** Show the whole of a message that is held in part only, by its number. */
  complete(number: number, text: string): void {
    const chunk = chunkOfMessage(number)
    const slot = this.#slots[chunk]
    if (!slot?.chunk) return
    const content = contentOf(slot.chunk)
    const at = number - 1 - chunk * CHUNK_LINES - slot.from
    const message = content[at]
    if (!message) return
    content[at] = { ...message, text, length: text.length, seq: undefined }
    this.#rebuild(chunk, content)
  }

  /** What is held of a chunk. */
  held(number: number): HeldChunk | null {
    const slot = this.#slots[number]
    return slot?.chunk ? { chunk: slot.chunk, from: slot.from, version: slot.version } : null
  }

  /** Messages that exist of a chunk. */
  messagesOf(chunk: number): number {
    return Math.min(CHUNK_LINES, this.messages - chunk * CHUNK_LINES)
  }

  line(index: number): LogLine {
    const chunk = this.#index.chunkOf(index)
    return this.lineOf(chunk, index - this.#index.before(chunk))
  }

  /** A row of a chunk, from 0; what is not held is asked for. */
  lineOf(number: number, row: number): LogLine {
    const slot = this.#slots[number]
    if (slot) slot.seenAt = ++this.#tick
    if (slot?.chunk && row >= slot.from)
      return heldLine(slot.chunk, row - slot.from, number * CHUNK_LINES + slot.from)
    // Where the rows of a dropped chunk are known, but not whose they are, the message is about there.
    const share = slot?.chunk ? 1 : this.messagesOf(number) / this.#index.size(number)
    const message = number * CHUNK_LINES + Math.floor(row * share)
    if (slot?.failed === null) this.#wanted?.(number)
    return missingLine(message + 1, slot?.failed ?? null)
  }

  /** The messages from one number to another, as far as they are held. */
  text(first: number, last: number): string {
    const texts: string[] = []
    for (let number = Math.max(1, first); number <= Math.min(last, this.messages); number++) {
      const chunk = chunkOfMessage(number)
      const slot = this.#slots[chunk]
      const place = number - 1 - chunk * CHUNK_LINES - (slot?.from ?? 0)
      if (slot?.chunk && place >= 0) texts.push(plainText(slot.chunk.message(place)))
    }
    return texts.join('\n')
  }

  indexOf(number: number, row: number): number {
    const chunk = chunkOfMessage(number)
    if (chunk >= this.#slots.length) return Math.max(0, this.count - 1)
    return this.#index.before(chunk) + this.rowOf(chunk, number, row)
  }

  /** Where a row of a message is among the rows of its chunk. */
  rowOf(number: number, message: number, row: number): number {
    const slot = this.#slots[number]
    const place = message - 1 - number * CHUNK_LINES
    if (!slot?.chunk) return Math.floor((place / this.messagesOf(number)) * this.#index.size(number))
    if (place < slot.from) return place
    const first = slot.chunk.firstRow(place - slot.from)
    const rows = slot.chunk.firstRow(place - slot.from + 1) - first
    return slot.from + first + Math.max(0, Math.min(row, rows - 1))
  }

  #slotAt(number: number): Slot {
    while (this.#slots.length <= number)
      this.#slots.push({ chunk: null, from: 0, failed: null, seenAt: 0, version: 0 })
    return this.#slots[number] as Slot
  }

  #rebuild(number: number, content: readonly LogMessage[]): void {
    const slot = this.#slotAt(number)
    const growing = new GrowingChunk()
    for (const message of content) growing.push(message)
    const isFull = slot.from + growing.messages === CHUNK_LINES
    if (!isFull) this.#growing = growing
    slot.chunk = isFull ? growing.seal(this.#steps) : growing
    slot.seenAt = ++this.#tick
    slot.version += 1
    this.#index.set(number, slot.from + growing.rows)
    this.#revision += 1
  }

  #forget(number: number): void {
    const slot = this.#slotAt(number)
    slot.chunk = null
    slot.from = 0
    slot.version += 1
    this.#growing = null
  }

  /** Rows of what is dropped are still counted as they were, so that nothing moves. */
  #dropUnseen(): void {
    if (!this.#wanted) return
    const full = this.#slots.filter(slot => slot.chunk && slot.chunk !== this.#growing)
    full.sort((one, other) => one.seenAt - other.seenAt)
    for (const slot of full.slice(0, Math.max(0, full.length - this.#mostHeld))) {
      slot.chunk = null
      slot.from = 0
    }
  }
}

/** The chunk that a message is in, by its number from 1. */
export function chunkOfMessage(number: number): number {
  return Math.floor((number - 1) / CHUNK_LINES)
}

/** The lines of a chunk; `before` messages stand before its first one. */
export function heldLine(chunk: Chunk, row: number, before: number): LogLine {
  const place = chunk.messageOf(row)
  const isLast = row === chunk.firstRow(place + 1) - 1
  return {
    number: before + place + 1,
    row: row - chunk.firstRow(place),
    text: chunk.text(row),
    level: chunk.level(place),
    time: chunk.time(place),
    step: chunk.step(place),
    gap: chunk.isGap(place),
    style: chunk.openStyle(row),
    cut: isLast ? chunk.cut(place) : undefined,
  }
}

export function missingLine(number: number, failed: string | null): LogLine {
  return {
    number,
    row: 0,
    text: '',
    level: 1,
    time: Number.NaN,
    step: null,
    gap: false,
    style: PLAIN,
    missing: failed === null ? 'loading' : 'failed',
    reason: failed ?? undefined,
  }
}

function contentOf(chunk: Chunk): LogMessage[] {
  return Array.from({ length: chunk.messages }, (_, message) => {
    const cut = chunk.cut(message)
    return {
      text: chunk.message(message),
      level: chunk.level(message),
      time: chunk.time(message),
      step: chunk.step(message),
      gap: chunk.isGap(message),
      seq: cut?.seq,
      length: cut?.length,
    }
  })
}
