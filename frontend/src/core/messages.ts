/**
 * The messages of the rich protocol (`headway.v1`): what is said, and the one place where a frame becomes one.
 *
 * One text frame is one JSON object with its name in `t`; only `ev` has lines after it. What is optional on the wire
 * and absent has its default here; unknown members are left out of sight.
 */

import { InvalidFrame, isRecord, type Totals } from './events'

export const SUBPROTOCOL = 'headway.v1'
/** The same, with `ev` frames compressed where that is worth it: binary frames, which never come here. */
export const DEFLATE_SUBPROTOCOL = 'headway.v1.deflate'
/** The subscription to the list of executions. */
export const LOBBY = '*'

export type Mode = 'full' | 'state'
export type Result = 'resumed' | 'snapshot' | 'reset' | 'waiting'
/** Why what a viewer has cannot be continued. */
export type Why = 'epoch' | 'ahead' | 'trimmed' | 'fork'

export type ClientMessage =
  | { t: 'hello'; client?: string; token?: string }
  | { t: 'sub'; x: string; execution_id?: string; cur?: string; mode?: Mode; tail?: number }
  | { t: 'ack'; x: string; seq: number }
  | { t: 'pong'; n: number }
  | { t: 'auth'; token: string }

/** Events that a frame covers without carrying them. */
export type LeftOut = { events: number; logs: number; errors: number }

/** What the lobby shows of one execution. */
export type Row = {
  execution_id: string
  workflow_id: string
  status: string
  phase: string
  progress: number
  indeterminate: boolean
  created_at: string | null
  started_at: string | null
  ended_at: string | null
}

export type ServerMessage =
  | { t: 'welcome'; windowEvents: number; windowBytes: number; spreadMs: number | null }
  | {
      t: 'sub_ok'
      x: string
      result: Result
      why: Why | null
      executionId: string | null
      head: number
    }
  | { t: 'snap'; x: string; cur: string; part: number; parts: number; state: unknown; logs: unknown[] }
  | {
      t: 'ev'
      x: string
      after: number
      upto: number
      cur: string
      n: number
      cf: LeftOut | null
      eos: Totals | null
    }
  | { t: 'rows'; x: string; rows: Row[]; reset: boolean }
  | { t: 'ping'; n: number; heads: Readonly<Record<string, unknown>> }
  | { t: 'err'; code: string; msg: string; x: string | null; retry: number | null; ref: string | null }
  | { t: 'drain'; earliestS: number; latestS: number }
  | { t: 'auth_soon' }

/** A frame as it is read: the message, and of `ev` the stored lines with the bytes they came in. */
export type ServerFrame = { message: ServerMessage; lines: readonly string[]; body: Uint8Array }

const NEWLINE = 10
const NO_BODY = new Uint8Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Read a server's frame: its text, or the bytes of it.
 *
 * @returns null for a name this version does not know.
 * @throws InvalidFrame where it is cut, or no message.
 */
export function decodeServer(frame: string | Uint8Array): ServerFrame | null {
  const [head, text, body] = typeof frame === 'string' ? splitText(frame) : splitBytes(frame)
  const message = readMessage(parse(head))
  if (message?.t !== 'ev') return message && { message, lines: [], body: NO_BODY }
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.length !== message.n)
    throw new InvalidFrame(`ev says ${message.n} lines and carries ${lines.length}`)
  return { message, lines, body }
}

/** Whether a frame is one of rich mode, and not of simple mode. */
export function isRichFrame(frame: string): boolean {
  try {
    const value = parse(splitText(frame)[0])
    return isRecord(value) && typeof value['t'] === 'string'
  } catch {
    return false
  }
}

function splitText(frame: string): [head: string, text: string, body: Uint8Array] {
  const at = frame.indexOf('\n')
  if (at < 0) return [frame, '', NO_BODY]
  const text = frame.slice(at + 1)
  return [frame.slice(0, at), text, encoder.encode(text)]
}

function splitBytes(frame: Uint8Array): [head: string, text: string, body: Uint8Array] {
  const at = frame.indexOf(NEWLINE)
  if (at < 0) return [decoder.decode(frame), '', NO_BODY]
  const body = frame.subarray(at + 1)
  return [decoder.decode(frame.subarray(0, at)), decoder.decode(body), body]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidFrame(String(error))
  }
}

function readMessage(value: unknown): ServerMessage | null {
  if (!isRecord(value) || typeof value['t'] !== 'string') throw new InvalidFrame('a message must have t')
  const name = value['t']
  return Object.hasOwn(READERS, name) ? (READERS[name]?.(new Fields(name, value)) ?? null) : null
}

const READERS: Readonly<Record<string, (fields: Fields) => ServerMessage>> = {
  welcome: fields => {
    const limits = fields.part('limits')
    return {
      t: 'welcome',
      windowEvents: limits.number('window_events', 4_096),
      windowBytes: limits.number('window_bytes', 1 << 20),
      spreadMs: fields.has('jitter') ? fields.number('jitter') : null,
    }
  },
  sub_ok: fields => ({
    t: 'sub_ok',
    x: fields.text('x'),
    result: fields.text('result') as Result,
    why: fields.textOr('why') as Why | null,
    executionId: fields.textOr('execution_id'),
    head: fields.number('head', 0),
  }),
  snap: fields => ({
    t: 'snap',
    x: fields.text('x'),
    cur: fields.text('cur'),
    part: fields.number('part'),
    parts: fields.number('parts'),
    state: fields.raw('state'),
    logs: fields.list('logs'),
  }),
  ev: fields => ({
    t: 'ev',
    x: fields.text('x'),
    after: fields.number('after'),
    upto: fields.number('upto'),
    cur: fields.text('cur'),
    n: fields.number('n'),
    cf: fields.has('cf') ? leftOut(fields.part('cf')) : null,
    eos: fields.has('eos') ? totals(fields.part('eos')) : null,
  }),
  rows: fields => ({
    t: 'rows',
    x: fields.text('x'),
    rows: fields.list('rows').map(readRow),
    reset: fields.raw('reset') === true,
  }),
  ping: fields => ({ t: 'ping', n: fields.number('n'), heads: fields.part('heads').value }),
  err: fields => ({
    t: 'err',
    code: fields.text('code'),
    msg: fields.text('msg'),
    x: fields.textOr('x'),
    retry: fields.has('retry') ? fields.number('retry') : null,
    ref: fields.textOr('ref'),
  }),
  drain: fields => {
    const [earliest, latest] = fields.list('in')
    return { t: 'drain', earliestS: Number(earliest) || 0, latestS: Number(latest) || 0 }
  },
  auth_soon: () => ({ t: 'auth_soon' }),
}

/** Members of a message, checked as they are read. */
class Fields {
  constructor(
    readonly name: string,
    readonly value: Readonly<Record<string, unknown>>,
  ) {}

  has(field: string): boolean {
    return this.value[field] !== undefined && this.value[field] !== null
  }

  raw(field: string): unknown {
    return this.value[field]
  }

  text(field: string): string {
    const value = this.textOr(field)
    if (value === null) throw this.#misfit(field, 'text')
    return value
  }

  textOr(field: string): string | null {
    const value = this.value[field]
    return typeof value === 'string' ? value : null
  }

  number(field: string, absent?: number): number {
    const value = this.value[field] ?? absent
    if (typeof value !== 'number') throw this.#misfit(field, 'number')
    return value
  }

  list(field: string): unknown[] {
    const value = this.value[field] ?? []
    if (!Array.isArray(value)) throw this.#misfit(field, 'list')
    return value
  }

  part(field: string): Fields {
    const value = this.value[field] ?? {}
    if (!isRecord(value)) throw this.#misfit(field, 'object')
    return new Fields(`${this.name}.${field}`, value)
  }

  #misfit(field: string, wanted: string): InvalidFrame {
    return new InvalidFrame(`${this.name}: ${field} is no ${wanted}`)
  }
}

function leftOut(fields: Fields): LeftOut {
  return {
    events: fields.number('events'),
    logs: fields.number('logs', 0),
    errors: fields.number('errors', 0),
  }
}

function totals(fields: Fields): Totals {
  return { ...leftOut(fields), dropped: fields.number('dropped', 0) }
}

function readRow(value: unknown): Row {
  if (!isRecord(value)) throw new InvalidFrame('rows: a row is no object')
  const fields = new Fields('rows', value)
  return {
    execution_id: fields.text('execution_id'),
    workflow_id: fields.text('workflow_id'),
    status: fields.text('status'),
    phase: fields.text('phase'),
    progress: fields.number('progress', 0),
    indeterminate: fields.raw('indeterminate') === true,
    created_at: fields.textOr('created_at'),
    started_at: fields.textOr('started_at'),
    ended_at: fields.textOr('ended_at'),
  }
}
