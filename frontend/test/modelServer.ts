/** A small server of rich mode as plain rules: one log, any number of connections. No socket, no clock. */

import { decodeUpdate } from '../src/core/events'
import { applyUpdate, copyState, initialState, type State } from '../src/core/fold'
import type { ClientMessage, Mode, Result, Why } from '../src/core/messages'
import { type Cursor, chain, formatCursor, initialTag, parseCursor } from '../src/core/position'

export type Head = { epoch: string; last_seq: number; trimmed_upto: number }
export type Decision = { result: Result; why: Why | null }

/** Further behind, mode `state` gets a snapshot. */
const MAX_DISTANCE = 10_000

/** May a viewer go on from its cursor? `tag` is the log's own at the cursor's seq, null where nobody knows it. */
export function decide(cursor: Cursor | null, head: Head, tag: number | null, mode: Mode): Decision {
  const reset = (why: Why): Decision => ({ result: 'reset', why })
  if (!cursor) return { result: 'snapshot', why: null }
  if (cursor.epoch !== head.epoch) return reset('epoch')
  if (cursor.seq > head.last_seq) return reset('ahead')
  if (cursor.seq < head.trimmed_upto) return reset('trimmed')
  if (tag !== cursor.tag) return reset('fork')
  const far = mode === 'state' && head.last_seq - cursor.seq > MAX_DISTANCE
  return { result: far ? 'snapshot' : 'resumed', why: null }
}

/** A log with its tags and, at each seq, its fold. */
export class ModelLog {
  readonly lines: string[] = []
  trimmedUpto = 0
  readonly #tags: number[]
  readonly #states: State[]

  constructor(
    readonly executionId: string,
    readonly workflowId: string,
    readonly epoch = '9f3a01bc',
  ) {
    this.#tags = [initialTag(epoch)]
    this.#states = [initialState(executionId, workflowId)]
  }

  get lastSeq(): number {
    return this.lines.length
  }

  get closed(): boolean {
    return this.stateAt(this.lastSeq).closed
  }

  /** Append an event; its seq is the log's. */
  append(event: Readonly<Record<string, unknown>>): void {
    const { execution_id: _, workflow_id: __, seq: ___, ...body } = event
    const line = JSON.stringify({ seq: this.lastSeq + 1, ...body })
    const state = copyState(this.stateAt(this.lastSeq))
    applyUpdate(state, decodeUpdate(JSON.parse(line)))
    this.#tags.push(chain(this.#tags.at(-1) ?? 0, new TextEncoder().encode(`${line}\n`)))
    this.#states.push(state)
    this.lines.push(line)
  }

  /** The log as it was at a seq, in this epoch or another. */
  copy(upto: number, epoch = this.epoch): ModelLog {
    const copy = new ModelLog(this.executionId, this.workflowId, epoch)
    for (const line of this.lines.slice(0, upto)) copy.append(JSON.parse(line) as Record<string, unknown>)
    return copy
  }

  cursorAt(seq: number): Cursor {
    return { epoch: this.epoch, seq, tag: this.#tags[seq] ?? -1 }
  }

  stateAt(seq: number): State {
    const state = this.#states[seq]
    if (!state) throw new Error(`the log has no seq ${seq}`)
    return state
  }

  /** The last log lines up to a seq. */
  tail(seq: number, count: number): unknown[] {
    const logs = this.lines.slice(0, seq).filter(line => line.includes('"type":"log"'))
    return count === 0 ? [] : logs.slice(-count).map(line => JSON.parse(line) as unknown)
  }
}

export type ModelOptions = { frameEvents: number; windowEvents: number; snapParts: number }
const DEFAULTS: ModelOptions = { frameEvents: 256, windowEvents: 4_096, snapParts: 2 }

/** The server's end of one connection with one subscription. */
export class ModelConnection {
  readonly #log: () => ModelLog | null
  readonly #send: (frame: string) => void
  readonly #options: ModelOptions
  #x = ''
  #mode: Mode = 'full'
  #tail = 200
  #cursor: Cursor | null = null
  #waits = false
  #sealed = false
  #ackedSeq = 0
  #pings = 0

  constructor(
    log: () => ModelLog | null,
    send: (frame: string) => void,
    options: Partial<ModelOptions> = {},
  ) {
    this.#log = log
    this.#send = send
    this.#options = { ...DEFAULTS, ...options }
  }

  receive(text: string): void {
    const message = JSON.parse(text) as ClientMessage
    if (message.t === 'hello') {
      const limits = { window_events: this.#options.windowEvents, window_bytes: 1 << 20 }
      this.#say({ t: 'welcome', conn: 'model', ping: 15, pong: 10, jitter: 5_000, limits, now: '' })
    } else if (message.t === 'sub') {
      this.#x = message.x
      this.#mode = message.mode ?? 'full'
      this.#tail = message.tail ?? 200
      this.#decide(parseCursor(message.cur))
    } else if (message.t === 'ack') {
      this.#ackedSeq = Math.max(this.#ackedSeq, message.seq)
    }
  }

  /** Send what has been appended, at most so many frames. */
  pump(frames = Number.POSITIVE_INFINITY): void {
    for (let left = frames; left > 0 && this.#sendFrame(); left--);
  }

  ping(): void {
    const log = this.#log()
    if (!this.#x) return
    this.#pings += 1
    const heads = log ? { [this.#x]: formatCursor(log.cursorAt(log.lastSeq)) } : {}
    this.#say({ t: 'ping', n: this.#pings, heads })
    if (log && this.#cursor && !this.#holds(log, this.#cursor)) this.#decide(this.#cursor)
  }

  drain(earliestS: number, latestS: number): void {
    this.#say({ t: 'drain', in: [earliestS, latestS] })
  }

  #decide(cursor: Cursor | null): void {
    const log = this.#log()
    this.#sealed = false
    this.#cursor = null
    this.#waits = log === null
    if (!log) return this.#say({ t: 'sub_ok', x: this.#x, result: 'waiting' })
    const head = { epoch: log.epoch, last_seq: log.lastSeq, trimmed_upto: log.trimmedUpto }
    const tag = cursor && cursor.seq <= log.lastSeq ? log.cursorAt(cursor.seq).tag : null
    const { result, why } = decide(cursor, head, tag, this.#mode)
    const told = { t: 'sub_ok', x: this.#x, result, execution_id: log.executionId, head: log.lastSeq }
    if (result === 'resumed' && cursor) {
      this.#say({ ...told, cur: formatCursor(cursor) })
      this.#cursor = cursor
      this.#ackedSeq = cursor.seq
      return
    }
    this.#say(why === null ? told : { ...told, why })
    this.#snapshot(log, log.lastSeq)
  }

  #snapshot(log: ModelLog, seq: number): void {
    this.#cursor = log.cursorAt(seq)
    this.#ackedSeq = seq
    const logs = log.tail(seq, this.#tail)
    const parts = logs.length > 1 ? this.#options.snapParts : 1
    for (let part = 1; part <= parts; part++) {
      const some = logs.slice(((part - 1) * logs.length) / parts, (part * logs.length) / parts)
      const state = part === 1 ? { state: jsonOf(log.stateAt(seq)) } : {}
      this.#say({ t: 'snap', x: this.#x, cur: formatCursor(this.#cursor), part, parts, ...state, logs: some })
    }
  }

  #sendFrame(): boolean {
    const log = this.#log()
    if (!log || !this.#x) return false
    if (this.#waits) {
      // Who was there before the start sees all of it.
      this.#waits = false
      this.#say({
        t: 'sub_ok',
        x: this.#x,
        result: 'snapshot',
        execution_id: log.executionId,
        head: log.lastSeq,
      })
      this.#snapshot(log, 0)
    }
    const from = this.#cursor
    if (!from) return false
    if (!this.#holds(log, from)) {
      this.#decide(from)
      return true
    }
    const isEnd = log.closed && from.seq === log.lastSeq
    if (from.seq - this.#ackedSeq >= this.#options.windowEvents) return false
    if (isEnd ? this.#sealed : from.seq === log.lastSeq) return false
    this.#events(log, from.seq)
    return true
  }

  #events(log: ModelLog, after: number): void {
    const behind = log.lastSeq - after
    const isConflated = this.#mode === 'state' && behind > this.#options.frameEvents
    const most = this.#options.frameEvents * (isConflated ? 3 : 1)
    const upto = Math.min(log.lastSeq, after + most)
    const covered = log.lines.slice(after, upto)
    const kept = isConflated ? conflate(covered) : covered
    const left = covered.filter(line => !kept.includes(line))
    const errors = left.filter(line => line.includes('"ERROR"')).length
    const cf = left.length > 0 ? { cf: { events: left.length, logs: left.length, errors } } : {}
    const eos = log.closed && upto === log.lastSeq ? { eos: log.stateAt(upto).totals } : {}
    this.#cursor = log.cursorAt(upto)
    this.#sealed = 'eos' in eos
    const cur = formatCursor(this.#cursor)
    const header = JSON.stringify({ t: 'ev', x: this.#x, after, upto, cur, n: kept.length, ...cf, ...eos })
    this.#send([header, ...kept, ''].join('\n'))
  }

  #holds(log: ModelLog, { epoch, seq, tag }: Cursor): boolean {
    if (epoch !== log.epoch || seq > log.lastSeq || seq < log.trimmedUpto) return false
    return log.cursorAt(seq).tag === tag
  }

  #say(message: object): void {
    this.#send(JSON.stringify(message))
  }
}

/** Without the log lines but the last line of all, which sets what every event sets. */
function conflate(lines: readonly string[]): string[] {
  return lines.filter((line, index) => index === lines.length - 1 || !line.includes('"kind":"log"'))
}

/** The JSON form of a state. */
export function jsonOf(state: State): unknown {
  return JSON.parse(
    JSON.stringify(state, (_, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value)),
  )
}
