/** What is said over one socket, in simple and in rich mode: frames to a session, and what it decides to the viewer. */

import { isTerminal, type WorkflowExecutionUpdate } from '../core/events'
import { type ClientMessage, decodeServer, isRichFrame, type Row, SUBPROTOCOL } from '../core/messages'
import type { PlainSession } from '../core/plainSession'
import type { EventsEffect, Held, Session, SessionEffect, SnapshotEffect } from '../core/session'
import { FrameReader } from './frameReader'
import type { Conversation, Line } from './link'
import type { TokenSource } from './token'

/** Who gets the updates of simple mode. */
export type PlainViewer = {
  /** One execution is followed, and nothing after it. */
  readonly isPinned: boolean
  update(update: WorkflowExecutionUpdate): void
  fault(error: Error): void
}

/** Simple mode: listens only. */
export class PlainConversation implements Conversation {
  readonly wakeAt = null
  readonly #line: Line
  readonly #session: PlainSession
  readonly #viewer: PlainViewer

  constructor(line: Line, session: PlainSession, viewer: PlainViewer) {
    this.#line = line
    this.#session = session
    this.#viewer = viewer
  }

  opened(): void {
    this.#session.opened()
  }

  receive(data: unknown): void {
    for (const effect of this.#session.receive(data)) {
      if (effect.type === 'update') this.#pass(effect.update, effect.begins)
      else if (effect.type === 'fault') this.#viewer.fault(effect.error)
      else if (effect.type === 'lost') this.#line.lost()
      else this.#line.heard()
    }
  }

  tick(): void {}

  #pass(update: WorkflowExecutionUpdate, begins: boolean): void {
    this.#line.heard({ begins, seq: this.#session.seq })
    this.#viewer.update(update)
    if (isTerminal(update)) this.#line.ended(this.#viewer.isPinned)
  }
}

/** Who gets what a rich session brings. */
export interface RichViewer {
  readonly isPinned: boolean
  /** Where the viewer is, with the state that goes with it. */
  readonly held: Held
  /** What it follows has ended. */
  readonly isClosed: boolean
  snapshot?(effect: SnapshotEffect): void
  events?(effect: EventsEffect): void
  rows?(rows: readonly Row[], reset: boolean): void
  fault(error: Error): void
}

/** Rich mode; where the server took the subprotocol and speaks simple mode all the same, that. */
export class RichConversation implements Conversation {
  readonly #line: Line
  readonly #session: Session
  readonly #viewer: RichViewer
  readonly #now: () => number
  readonly #reader: FrameReader
  readonly #otherwise: (() => Conversation) | undefined
  readonly #token: TokenSource | undefined
  #plain: Conversation | null = null
  #welcomed = false

  constructor(
    line: Line,
    session: Session,
    viewer: RichViewer,
    {
      now,
      otherwise,
      token,
    }: { now: () => number; otherwise?: () => Conversation; token?: TokenSource | undefined },
  ) {
    this.#line = line
    this.#session = session
    this.#viewer = viewer
    this.#now = now
    this.#otherwise = otherwise
    this.#token = token
    this.#reader = new FrameReader({
      onFrame: frame => this.#read(frame),
      onError: error => viewer.fault(error),
      onBroken: error => this.#break(error),
    })
  }

  get wakeAt(): number | null {
    return this.#plain ? this.#plain.wakeAt : this.#session.wakeAt
  }

  opened(): void {
    if (!this.#line.protocol.startsWith(SUBPROTOCOL)) this.#speakPlainly()
    else if (this.#token)
      void this.#withToken(this.#token, token => this.#carryOut(this.#session.opened(token)))
    else this.#carryOut(this.#session.opened())
  }

  receive(data: unknown): void {
    if (!this.#welcomed && !this.#plain && typeof data === 'string' && !isRichFrame(data))
      this.#speakPlainly()
    if (this.#plain) this.#plain.receive(data)
    else if (this.#line.isOurs) this.#reader.push(data)
  }

  tick(now: number): void {
    if (!this.#plain) this.#carryOut(this.#session.tick(now))
  }

  /** Get a token and use it, unless the socket is gone by then. */
  async #withToken(source: TokenSource, use: (token: string) => void): Promise<void> {
    try {
      const token = await source()
      if (this.#line.isOurs) use(token)
    } catch (error) {
      if (!this.#line.isOurs) return
      this.#viewer.fault(error instanceof Error ? error : new Error(String(error)))
      this.#line.lost()
    }
  }

  #speakPlainly(): void {
    if (!this.#otherwise || !this.#line.isCurrent)
      return this.#line.refused(`the server does not speak ${SUBPROTOCOL}`, null)
    this.#plain = this.#otherwise()
    this.#line.heard({ speaks: false })
    this.#plain.opened()
  }

  #read(frame: string | Uint8Array): void {
    if (!this.#line.isOurs) return
    const read = decodeServer(frame)
    if (!read) return this.#line.heard()
    const before = this.#viewer.held.executionId
    this.#carryOut(this.#session.receive(read, this.#now()))
    const { executionId, cursor } = this.#viewer.held
    const begins = before !== null && executionId !== before
    this.#line.heard({ speaks: true, begins, seq: cursor?.seq ?? null })
    if (this.#viewer.isClosed) this.#line.ended(this.#viewer.isPinned)
  }

  /** What follows cannot be read either: say so, and go on from the cursor over another socket. */
  #break(error: Error): void {
    if (!this.#line.isOurs) return
    this.#viewer.fault(error)
    this.#line.lost()
  }

  #carryOut(effects: readonly SessionEffect[]): void {
    for (const effect of effects) this.#carryOutOne(effect)
  }

  #carryOutOne(effect: SessionEffect): void {
    switch (effect.type) {
      case 'send':
        return this.#line.say(JSON.stringify(effect.message))
      case 'welcome':
        this.#welcomed = true
        return effect.spreadMs === null ? undefined : this.#line.heard({ spreadMs: effect.spreadMs })
      case 'auth-soon':
        if (this.#token) void this.#withToken(this.#token, token => this.#line.say(auth(token)))
        return
      case 'answered':
        // An older socket may have brought the viewer further since this one asked.
        this.#session.moveOn(this.#viewer.held)
        return this.#line.settled()
      case 'head':
        return this.#line.expectHead(effect.head)
      case 'snapshot':
        return this.#viewer.snapshot?.(effect)
      case 'events':
        return this.#viewer.events?.(effect)
      case 'rows':
        return this.#viewer.rows?.(effect.rows, effect.reset)
      case 'drain':
        return this.#line.drain(effect.earliestMs, effect.latestMs)
      case 'refused':
        return this.#line.refused(effect.reason, effect.status)
      case 'fault':
        return this.#viewer.fault(effect.error)
      default:
        return effect satisfies never
    }
  }
}

function auth(token: string): string {
  return JSON.stringify({ t: 'auth', token } satisfies ClientMessage)
}
