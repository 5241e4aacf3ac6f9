/**
 * Rich mode over HTTP, where WebSocket does not come through: sockets that say `headway.v1` and make its frames of a
 * stream of events, or of pages that wait for them. The cursor is the same everywhere, and so are the rules.
 */

import { EventStreamParser, type ServerSentEvent } from '../core/eventStream'
import { isRecord } from '../core/events'
import { type ClientMessage, SUBPROTOCOL } from '../core/messages'
import { type Cursor, formatCursor, parseCursor } from '../core/position'
import { rawItems } from '../core/rawItems'
import type { Held } from '../core/session'
import { httpAddress } from './address'
import { executionPath, type Fetch } from './http'
import type { Socket } from './link'
import { lastLogLines } from './logTail'
import { pause } from './pause'

/** How long the server may hold a page back: less than what a client takes for silence. */
const WAIT_S = 15
const PAGE_EVENTS = 1_000
/** How often is looked for a workflow's next execution. */
const NEXT_MS = 5_000
const BROKEN = 1006

export type HttpSubject = {
  workflowId: string
  /** The one execution to follow; null for a workflow's, one after the other. */
  pinned: string | null
  /** Log lines wanted with a state. */
  tail: number
  base?: string | undefined
  fetch: Fetch
}

type Json = Record<string, unknown>

/** An answer of HTTP that is no success. */
class Refused extends Error {
  constructor(
    readonly status: number,
    readonly body: Json,
  ) {
    super(`the server answered ${status}`)
  }
}

/** What both have in common: whom to follow, from where, and what comes before the events. */
abstract class HttpSocket implements Socket {
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  onerror: Socket['onerror'] = null
  readonly protocol = SUBPROTOCOL
  protected readonly subject: HttpSubject
  readonly #held: Held
  /** What came before anybody asked for it; null once they have. */
  #early: string[] | null = []
  #run = new AbortController()
  /** From where it was asked to go on otherwise than expected: what it had brought did not follow. */
  #askedAgain: string | null = null
  /** The history behind the addresses may be another one: what the browser has of them is not used. */
  #isAnew = false
  #isOpen = false
  #pings = 0

  constructor(subject: HttpSubject, held: Held) {
    this.subject = subject
    this.#held = held
  }

  /** Begin to follow before anybody asks, so that opening means that events come through. */
  begin(): this {
    this.#follow(this.#held.executionId, this.#held.cursor)
    return this
  }

  close(): void {
    this.#run.abort()
  }

  send(text: string): void {
    const message = JSON.parse(text) as ClientMessage
    if (message.t === 'hello') this.#deliver(JSON.stringify({ t: 'welcome', limits: {} }))
    if (message.t !== 'sub') return
    const early = this.#early ?? []
    const { cursor } = this.#held
    const isExpected = this.#early !== null && message.cur === (cursor ? formatCursor(cursor) : undefined)
    this.#early = null
    if (isExpected) for (const frame of early) this.#deliver(frame)
    else this.#goOn(message.execution_id ?? null, message.cur ?? '')
  }

  /** Say what follows `cursor` until the end of the log. */
  protected abstract followLog(executionId: string, cursor: Cursor, signal: AbortSignal): Promise<void>

  /** Something has come through. */
  protected opened(): void {
    if (this.#isOpen || this.#run.signal.aborted) return
    this.#isOpen = true
    this.onopen?.({} as never)
  }

  protected say(message: Json, lines: readonly string[] = []): void {
    const head = JSON.stringify({ x: this.#x, ...message })
    const frame = message['t'] === 'ev' ? [head, ...lines, ''].join('\n') : head
    if (this.#early) this.#early.push(frame)
    else this.#deliver(frame)
  }

  /** A sign of life. */
  protected ping(): void {
    this.#pings += 1
    this.say({ t: 'ping', n: this.#pings, heads: {} })
  }

  /** Give the state in place of what the viewer has; the cursor it is exact at. */
  protected async sayState(executionId: string, why: string | null, signal: AbortSignal): Promise<Cursor> {
    const { state, cursor, execution } = await this.getJson(executionPath(executionId), signal)
    return this.sayStateAt(executionId, { state, cursor, execution, why }, signal)
  }

  protected async sayStateAt(executionId: string, found: Json, signal: AbortSignal): Promise<Cursor> {
    const cursor = parseCursor(found['cursor'])
    if (!cursor) throw new Error('the state has no cursor')
    const { why } = found
    this.#isAnew ||= why !== null
    const result = why === null ? 'snapshot' : 'reset'
    const execution = isRecord(found['execution']) ? found['execution'] : {}
    const head = execution['last_seq'] ?? cursor.seq
    this.say({ t: 'sub_ok', result, why, execution_id: executionId, head })
    const get = (path: string) => this.getJson(executionPath(executionId, path), signal)
    const logs = await lastLogLines(get, found['state'], cursor.seq, this.subject.tail)
    this.say({ t: 'snap', cur: formatCursor(cursor), part: 1, parts: 1, state: found['state'], logs })
    return cursor
  }

  /** The log is closed, and everything up to its end is said. */
  protected sayEnd(at: Cursor): void {
    const range = { after: at.seq, upto: at.seq, cur: formatCursor(at), n: 0 }
    this.say({ t: 'ev', ...range, eos: { events: at.seq } })
  }

  protected async request(path: string, accept: string, signal: AbortSignal): Promise<Response> {
    const { base, fetch: fetcher } = this.subject
    const response = await fetcher(httpAddress(path, base), {
      headers: { Accept: accept },
      credentials: 'same-origin',
      signal,
      ...(this.#isAnew ? { cache: 'reload' } : {}),
    })
    if (response.ok) return response
    const body: unknown = await response.json().catch(() => null)
    throw new Refused(response.status, isRecord(body) ? body : {})
  }

  protected async getJson(path: string, signal: AbortSignal): Promise<Json> {
    const value: unknown = await (await this.request(path, 'application/json', signal)).json()
    if (!isRecord(value)) throw new Error(`${path} is no object`)
    return value
  }

  get #x(): string {
    return this.subject.pinned ?? this.subject.workflowId
  }

  #deliver(frame: string): void {
    this.onmessage?.({ data: frame } as never)
  }

  /** Follow anew from there; a second time from the same place it would come to the same. */
  #goOn(executionId: string | null, cur: string): void {
    if (cur === this.#askedAgain) return this.#break()
    this.#askedAgain = cur
    this.#follow(executionId, parseCursor(cur))
  }

  #follow(executionId: string | null, cursor: Cursor | null): void {
    this.#run.abort()
    const run = new AbortController()
    this.#run = run
    this.#followAll(executionId, cursor, run.signal).catch(() => {
      if (!run.signal.aborted) this.#break()
    })
  }

  /** The execution that the viewer is at is not there any more; what to do then, the session says. */
  #sayGone({ body }: Refused): void {
    this.#isAnew = true
    this.opened()
    this.say({ t: 'err', code: body['code'], msg: String(body['detail']) })
  }

  #break(): void {
    this.#run.abort()
    this.onclose?.({ code: BROKEN } as never)
  }

  async #followAll(first: string | null, from: Cursor | null, signal: AbortSignal): Promise<void> {
    let executionId = this.subject.pinned ?? first ?? (await this.#next(null, signal))
    let cursor = from
    for (;;) {
      if (cursor) {
        const told = { result: 'resumed', execution_id: executionId, head: cursor.seq }
        this.say({ t: 'sub_ok', ...told, cur: formatCursor(cursor) })
      } else cursor = await this.sayState(executionId, null, signal)
      try {
        await this.followLog(executionId, cursor, signal)
        if (this.subject.pinned !== null) return
        executionId = await this.#next(executionId, signal)
        cursor = null
      } catch (error) {
        if (this.subject.pinned !== null || signal.aborted || !isGone(error)) throw error
        return this.#sayGone(error)
      }
    }
  }

  /** The execution that the workflow is followed by, or the one after another: which, the server says. */
  async #next(ended: string | null, signal: AbortSignal): Promise<string> {
    const path = `api/workflows/${encodeURIComponent(this.subject.workflowId)}/followed`
    const query = ended === null ? '' : `?after=${encodeURIComponent(ended)}`
    for (let told = false; ; told = true) {
      const { execution_id: id } = await this.getJson(`${path}${query}`, signal)
      if (typeof id === 'string') return id
      if (ended === null && !told) this.say({ t: 'sub_ok', result: 'waiting' })
      this.opened()
      this.ping()
      await pause(NEXT_MS, signal)
    }
  }
}

/** Follows by Server-Sent Events: as quick as a WebSocket, where nothing on the way holds them back. */
class EventStreamSocket extends HttpSocket {
  protected override async followLog(executionId: string, from: Cursor, signal: AbortSignal): Promise<void> {
    const path = executionPath(executionId, `/events?cursor=${formatCursor(from)}`)
    const response = await this.request(path, 'text/event-stream', signal)
    if (!response.headers.get('content-type')?.startsWith('text/event-stream') || !response.body)
      throw new Error('the answer is no stream of events')
    const parser = new EventStreamParser()
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    let at = from
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (signal.aborted) return
      this.opened()
      const events = parser.push(decoder.decode(piece.value, { stream: true }))
      if (events.length === 0) this.ping()
      if (events[0]?.name === 'reset') at = await this.#reset(executionId, events[0], signal)
      at = this.#pass(events, at)
      if (events.at(-1)?.name === 'end') return this.sayEnd(at)
    }
    throw new Error('the stream ends before the log does')
  }

  async #reset(executionId: string, { data }: ServerSentEvent, signal: AbortSignal): Promise<Cursor> {
    const told: unknown = JSON.parse(data)
    return this.sayStateAt(executionId, isRecord(told) ? told : {}, signal)
  }

  /** One frame of all events of a piece. */
  #pass(events: readonly ServerSentEvent[], from: Cursor): Cursor {
    const stored = events.filter(({ name }) => name === 'message')
    const to = parseCursor(stored.at(-1)?.id)
    if (!to) return from
    const lines = stored.map(({ data }) => data)
    const range = { after: from.seq, upto: to.seq, cur: formatCursor(to), n: lines.length }
    this.say({ t: 'ev', ...range }, lines)
    return to
  }
}

/** Follows by pages that the server holds back until there is something in them: that comes through anything. */
class LongPollSocket extends HttpSocket {
  protected override async followLog(executionId: string, from: Cursor, signal: AbortSignal): Promise<void> {
    let at = from
    for (let waitS = 0; ; waitS = WAIT_S) {
      const page = await this.#page(executionId, at, waitS, signal)
      if (signal.aborted) return
      if ('why' in page) {
        at = await this.sayState(executionId, page.why, signal)
        continue
      }
      this.opened()
      const { lines, cursor: to, isClosed } = page
      if (lines.length === 0) {
        if (isClosed) return this.sayEnd(at)
        this.ping()
        continue
      }
      const range = { after: at.seq, upto: to.seq, cur: formatCursor(to), n: lines.length }
      this.say({ t: 'ev', ...range }, lines)
      at = to
    }
  }

  /** The next page, or why there is none. */
  async #page(executionId: string, at: Cursor, waitS: number, signal: AbortSignal): Promise<Page | Lost> {
    const query = `cursor=${formatCursor(at)}&limit=${PAGE_EVENTS}&wait=${waitS}`
    const path = executionPath(executionId, `/events?${query}`)
    try {
      return pageOf(await (await this.request(path, 'application/json', signal)).text())
    } catch (error) {
      if (error instanceof Refused && error.status === 410)
        return { why: String(error.body['why'] ?? 'trimmed') }
      throw error
    }
  }
}

/** Stored lines, byte for byte as the server's tags were made of them. */
type Page = { lines: readonly string[]; cursor: Cursor; isClosed: boolean }
type Lost = { why: string }

function pageOf(text: string): Page {
  const value: unknown = JSON.parse(text)
  const cursor = parseCursor(isRecord(value) ? value['cursor'] : null)
  if (!isRecord(value) || !cursor) throw new Error('the page has no cursor')
  return { lines: rawItems(text, 'events'), cursor, isClosed: value['closed'] === true }
}

function isGone(error: unknown): error is Refused {
  return error instanceof Refused && error.body['code'] === 'execution_not_found'
}

const SOCKETS = { sse: EventStreamSocket, poll: LongPollSocket }

/** Follow over HTTP from where a viewer is. */
export function openHttpSocket(transport: keyof typeof SOCKETS, subject: HttpSubject, held: Held): Socket {
  return new SOCKETS[transport](subject, held).begin()
}
