/**
 * The client's rules of one rich connection, without I/O: frames and time in, effects out.
 *
 *     opened -> hello, sub -> sub_ok -+- resumed ----------> following <-> asking again (gap, wrong tag, ping)
 *                                     +- snapshot, reset --> awaiting snap -> following
 *                                     +- waiting ----------> sub_ok snapshot, once the workflow runs
 *
 * A workflow's feed goes on to its next execution by a `sub_ok snapshot` of that one, behind the end of the one
 * before; where the execution that is held is gone, it is forgotten and the workflow asked for anew.
 *
 * One subscription a connection. Knows no socket, clock, store or randomness. `docs/protocol.md` states the rules
 * under "What a client must do with a frame"; the server's side is `backend/src/headway/protocol/session.py`.
 */

import { decodeUpdate, InvalidFrame, type WorkflowExecutionUpdate } from './events'
import { initialState, type State, stateFromJson } from './fold'
import type { ClientMessage, LeftOut, Mode, Result, Row, ServerFrame, ServerMessage, Why } from './messages'
import { type Cursor, chain, formatCursor, initialTag, parseCursor } from './position'

export type SessionOptions = {
  /** An execution, a workflow, or the lobby. */
  x: string
  mode?: Mode
  /** Log lines wanted with a snapshot. */
  tail?: number
  /** Further behind than so many events, the state is taken in place of all that happened. */
  maxReplay?: number
  /** An execution of at most so many events is taken whole, from its first on, in place of a snapshot. */
  wholeUpto?: number
  /** Names the client in the server's log. */
  client?: string
}

/** Where a viewer is: what it has applied, of which execution. */
export type Held = { readonly executionId: string | null; readonly cursor: Cursor | null }
export const NOTHING_HELD: Held = { executionId: null, cursor: null }

export type SnapshotEffect = {
  readonly type: 'snapshot'
  readonly state: State
  /** The last log events before the cursor, oldest first. */
  readonly logs: readonly WorkflowExecutionUpdate[]
  readonly cursor: Cursor
  /** Why what was held before had to go; null where nothing was wrong with it. */
  readonly why: Why | null
}
export type EventsEffect = {
  readonly type: 'events'
  readonly events: readonly WorkflowExecutionUpdate[]
  readonly cursor: Cursor
  readonly leftOut: LeftOut | null
}
/** What the shell must do, in order. */
export type SessionEffect =
  | { readonly type: 'send'; readonly message: ClientMessage }
  /** `spreadMs`: over how long the server wants its viewers spread when they come back. */
  | { readonly type: 'welcome'; readonly spreadMs: number | null }
  /** The token ends soon: send `auth` with a fresh one. */
  | { readonly type: 'auth-soon' }
  | { readonly type: 'answered'; readonly result: Result }
  | { readonly type: 'head'; readonly head: number }
  | SnapshotEffect
  | EventsEffect
  | { readonly type: 'rows'; readonly rows: readonly Row[]; readonly reset: boolean }
  | { readonly type: 'drain'; readonly earliestMs: number; readonly latestMs: number }
  | { readonly type: 'refused'; readonly reason: string; readonly status: number }
  | { readonly type: 'fault'; readonly error: Error }

const ACK_EVERY_MS = 1_000
const RETRY_MS = 2_000
const DEFAULT_TAIL = 200
/** Refusals of a subscription after which asking again is no use, with the HTTP status that means the same. */
const REFUSALS: Readonly<Record<string, number>> = {
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  workflow_not_found: 404,
  execution_not_found: 404,
}

type Message<Name extends ServerMessage['t']> = Extract<ServerMessage, { t: Name }>

/** One connection; every method returns what to do next. */
export class Session {
  readonly #options: SessionOptions
  #held: Held
  /** Subscriptions asked for and not answered: until then no gap is news. */
  #asked = 0
  #awaitsSnapshot = false
  #why: Why | null = null
  #parts: Message<'snap'>[] = []
  /** The log that was asked for from its start; once is enough: it may be kept no longer. */
  #wholeOf: string | null = null
  /** A snapshot came since it last asked: an answer that it may keep what it had then is about something else. */
  #overtaken = false
  /** Where an execution ended, as this connection has brought it: from there on, and only there, another one follows. */
  #end: string | null = null
  /** What was held was not there any more: whatever comes in its place is a reset. */
  #forgotten = false
  /** Where it was at the last ping, if that was behind. */
  #behindAt: string | null = null
  #halfWindow = { events: 2_048, bytes: 1 << 19 }
  #unacked = { events: 0, bytes: 0 }
  #ackAt: number | null = null
  #askAt: number | null = null

  /** @param held what the viewer resumes with: the cursor is known before any event */
  constructor(options: SessionOptions, held: Held = NOTHING_HELD) {
    this.#options = options
    this.#held = held
  }

  get held(): Held {
    return this.#held
  }

  /** When `tick` has something to do; null for never. */
  get wakeAt(): number | null {
    if (this.#ackAt === null || this.#askAt === null) return this.#ackAt ?? this.#askAt
    return Math.min(this.#ackAt, this.#askAt)
  }

  /** Another connection has brought the viewer further meanwhile. */
  moveOn(held: Held): void {
    if (!this.#awaitsSnapshot && !this.#forgotten) this.#held = held
  }

  /** The connection is open; `token` where the handshake could not carry who it is. */
  opened(token?: string): SessionEffect[] {
    const { client } = this.#options
    return [
      send({ t: 'hello', ...(client ? { client } : {}), ...(token ? { token } : {}) }),
      this.#subscribe(),
    ]
  }

  receive({ message, lines, body }: ServerFrame, now: number): SessionEffect[] {
    switch (message.t) {
      case 'welcome':
        this.#halfWindow = { events: message.windowEvents / 2, bytes: message.windowBytes / 2 }
        return [{ type: 'welcome', spreadMs: message.spreadMs }]
      case 'auth_soon':
        return [{ type: 'auth-soon' }]
      case 'ping':
        return [send({ t: 'pong', n: message.n }), ...this.#check(message.heads[this.#options.x])]
      case 'drain':
        return [{ type: 'drain', earliestMs: message.earliestS * 1_000, latestMs: message.latestS * 1_000 }]
      case 'err':
        return this.#refused(message, now)
      default:
        if (message.x !== this.#options.x) return []
        return this.#follow(message, lines, body, now)
    }
  }

  /** What is due at `now`. */
  tick(now: number): SessionEffect[] {
    const effects: SessionEffect[] = []
    if (this.#ackAt !== null && now >= this.#ackAt) effects.push(...this.#ack())
    if (this.#askAt !== null && now >= this.#askAt) effects.push(this.#subscribe())
    return effects
  }

  #follow(
    message: Message<'sub_ok' | 'snap' | 'ev' | 'rows'>,
    lines: readonly string[],
    body: Uint8Array,
    now: number,
  ): SessionEffect[] {
    switch (message.t) {
      case 'sub_ok':
        return this.#answered(message)
      case 'snap':
        return this.#snapshot(message)
      case 'ev':
        return this.#events(message, lines, body, now)
      case 'rows':
        return [{ type: 'rows', rows: message.rows, reset: message.reset }]
      default:
        return message satisfies never
    }
  }

  #answered({ result, why, executionId, head }: Message<'sub_ok'>): SessionEffect[] {
    this.#asked = Math.max(0, this.#asked - 1)
    this.#parts = []
    this.#awaitsSnapshot = result === 'snapshot' || result === 'reset'
    const { cursor } = this.#held
    const { maxReplay } = this.#options
    if (result === 'resumed' && cursor && maxReplay !== undefined && head - cursor.seq > maxReplay) {
      this.#held = { executionId, cursor: null }
      this.#awaitsSnapshot = true
      return [this.#subscribe()]
    }
    if (result === 'resumed' && this.#overtaken) return [this.#subscribe()]
    if (this.#awaitsSnapshot) this.#why = why
    return [
      { type: 'answered', result },
      { type: 'head', head },
    ]
  }

  /** A part that nobody waits for is of an older answer. */
  #snapshot(part: Message<'snap'>): SessionEffect[] {
    if (!this.#awaitsSnapshot) return []
    this.#parts = part.part === 1 ? [part] : [...this.#parts, part]
    const [first] = this.#parts
    if (!first || this.#parts.length < part.parts || first.part !== 1 || first.cur !== part.cur) return []
    const cursor = parseCursor(part.cur)
    const state = stateFromJson(first.state)
    const logs = this.#parts.flatMap(({ logs: some }) => some)
    const why = this.#why ?? (this.#forgotten ? 'ahead' : null)
    this.#parts = []
    if (!cursor || !state) return [fault(new InvalidFrame('snap holds no state at a cursor'))]
    this.#awaitsSnapshot = false
    if (!this.#mayFollow(state.execution_id)) return [this.#subscribe()]
    this.#forgotten = false
    if (this.#isTakenWhole(state.execution_id, cursor)) return this.#fromStart(state, cursor.epoch, why)
    this.#held = { executionId: state.execution_id, cursor }
    this.#overtaken = true
    const [updates, faults] = this.#updates(logs)
    return [...faults, { type: 'snapshot', state, logs: updates, cursor, why }]
  }

  /** The execution that is held, or the one after its end: ids and times say nothing of which that is. */
  #mayFollow(executionId: string): boolean {
    const { cursor, executionId: held } = this.#held
    return !cursor || executionId === held || this.#end === nameOf(this.#held)
  }

  #isTakenWhole(executionId: string, { epoch, seq }: Cursor): boolean {
    const log = `${executionId} ${epoch}`
    if (seq === 0 || seq > (this.#options.wholeUpto ?? 0) || this.#wholeOf === log) return false
    this.#wholeOf = log
    return true
  }

  #fromStart({ execution_id, workflow_id }: State, epoch: string, why: Why | null): SessionEffect[] {
    const cursor = { epoch, seq: 0, tag: initialTag(epoch) }
    this.#held = { executionId: execution_id, cursor }
    const state = initialState(execution_id, workflow_id)
    return [{ type: 'snapshot', state, logs: [], cursor, why }, this.#subscribe()]
  }

  #events(header: Message<'ev'>, lines: readonly string[], body: Uint8Array, now: number): SessionEffect[] {
    const { cursor, executionId } = this.#held
    if (!cursor || this.#awaitsSnapshot) return []
    const effects: SessionEffect[] = []
    if (!isDuplicate(header, cursor)) {
      const to = parseCursor(header.cur)
      if (!to || !continues(header, body, cursor, to)) return this.#askAgain()
      this.#held = { executionId, cursor: to }
      const [events, faults] = this.#updates(lines.map(parseLine))
      effects.push(...faults, { type: 'events', events, cursor: to, leftOut: header.cf })
    }
    const here = nameOf(this.#held)
    if (header.eos && here === nameOf({ executionId, cursor: parseCursor(header.cur) })) this.#end = here
    this.#unacked.events += header.n
    this.#unacked.bytes += body.length
    this.#ackAt ??= now + ACK_EVERY_MS
    const isHalf =
      this.#unacked.events >= this.#halfWindow.events || this.#unacked.bytes >= this.#halfWindow.bytes
    return isHalf || header.eos ? [...effects, ...this.#ack()] : effects
  }

  #ack(): SessionEffect[] {
    this.#unacked = { events: 0, bytes: 0 }
    this.#ackAt = null
    const seq = this.#held.cursor?.seq
    return seq === undefined ? [] : [send({ t: 'ack', x: this.#options.x, seq })]
  }

  /** Beside the head, or for two pings behind it or without the snapshot: subscribe again. */
  #check(text: unknown): SessionEffect[] {
    const head = parseCursor(text)
    if (!head) return []
    const { cursor } = this.#held
    const lacksSnapshot = !cursor || this.#awaitsSnapshot
    const beside =
      !lacksSnapshot && (head.epoch !== cursor.epoch || (head.seq === cursor.seq && head.tag !== cursor.tag))
    const behind = lacksSnapshot ? '' : head.seq > cursor.seq ? formatCursor(cursor) : null
    const stuck = behind !== null && behind === this.#behindAt
    this.#behindAt = behind
    const effects: SessionEffect[] = [{ type: 'head', head: head.seq }]
    return beside || stuck ? [...effects, this.#subscribe()] : effects
  }

  #refused({ code, msg, x, retry, ref }: Message<'err'>, now: number): SessionEffect[] {
    if (x !== null && x !== this.#options.x) return []
    if (x !== null && ref === null && code === 'execution_not_found' && this.#forget())
      return [this.#subscribe()]
    const status = x === null || ref !== null ? undefined : REFUSALS[code]
    if (status !== undefined) return [{ type: 'refused', reason: msg, status }]
    if (x !== null) this.#askAt = now + (retry ?? RETRY_MS)
    return [fault(new RefusedByServer(code, msg))]
  }

  /** Of a workflow, whose other executions may be there; false where nothing else was asked for. */
  #forget(): boolean {
    const { executionId } = this.#held
    if (executionId === null || executionId === this.#options.x) return false
    this.#held = NOTHING_HELD
    this.#forgotten = true
    return true
  }

  #askAgain(): SessionEffect[] {
    return this.#asked > 0 ? [] : [this.#subscribe()]
  }

  #subscribe(): SessionEffect {
    const { x, mode = 'full', tail = DEFAULT_TAIL } = this.#options
    const { executionId, cursor } = this.#held
    this.#asked = 1
    this.#overtaken = false
    this.#askAt = null
    this.#parts = []
    this.#behindAt = null
    return send({
      t: 'sub',
      x,
      ...(executionId !== null && executionId !== x ? { execution_id: executionId } : {}),
      ...(cursor ? { cur: formatCursor(cursor) } : {}),
      ...(mode === 'full' ? {} : { mode }),
      ...(tail === DEFAULT_TAIL ? {} : { tail }),
    })
  }

  /** Events as they are passed on; one that cannot be read is told of, and the rest go on. */
  #updates(values: readonly unknown[]): [WorkflowExecutionUpdate[], SessionEffect[]] {
    const updates: WorkflowExecutionUpdate[] = []
    const faults: SessionEffect[] = []
    for (const value of values) {
      try {
        const update = decodeUpdate(value)
        if (this.#held.executionId !== null) update.execution_id = this.#held.executionId
        updates.push(update)
      } catch (error) {
        faults.push(fault(error instanceof Error ? error : new Error(String(error))))
      }
    }
    return [updates, faults]
  }
}

/** The server said no to something. */
export class RefusedByServer extends Error {
  override readonly name = 'RefusedByServer'
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

/** Everything the frame covers is applied. */
export function isDuplicate(header: { upto: number }, cursor: Cursor): boolean {
  return header.upto <= cursor.seq
}

/** The frame starts where the viewer is, and its bytes are those the server's tag was made of. */
export function continues(
  header: { after: number; cf: LeftOut | null },
  body: Uint8Array,
  cursor: Cursor,
  to: Cursor,
): boolean {
  if (header.after !== cursor.seq || to.epoch !== cursor.epoch) return false
  return header.cf !== null || chain(cursor.tag, body) === to.tag
}

function nameOf({ executionId, cursor }: Held): string | null {
  return cursor && `${executionId} ${formatCursor(cursor)}`
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line // is no object, and so refused below
  }
}

function send(message: ClientMessage): SessionEffect {
  return { type: 'send', message }
}

function fault(error: Error): SessionEffect {
  return { type: 'fault', error }
}
