/**
 * One execution (or a workflow's current one) followed into a store: what a page needs to show it live.
 *
 * In rich mode it begins with the state and the last log lines, however long the log is, and each event after that is
 * checked against the server's hash chain. Where no WebSocket comes through, HTTP carries the same; a server that knows
 * only simple mode is followed by that.
 */

import type { ExecutionResult, Status, Totals, WorkflowExecutionUpdate } from '../core/events'
import { isRecord, isTerminal } from '../core/events'
import { type State, stateFromJson } from '../core/fold'
import { PlainSession } from '../core/plainSession'
import { type EventsEffect, Session, type SnapshotEffect } from '../core/session'
import { ExecutionStore } from '../core/store'
import type { Way } from '../core/ways'
import { PlainConversation, RichConversation, type RichViewer } from './conversations'
import type { Fetch } from './http'
import { openHttpSocket } from './httpSockets'
import { askWhy, type Conversation, type Line, Link, type LinkEnvironment, type Socket } from './link'
import { authorized, type TokenSource } from './token'
import {
  openWebSocket,
  pinnedExecution,
  plainAddress,
  richProtocols,
  subjectPath,
  type WebSocketConstructor,
} from './websocket'

/** Log lines that a late viewer is sent with the state: some screens full. */
export const TAIL_LINES = 1_000
/** An execution of at most so many events is taken whole: it costs little, and all of it can be checked. */
export const WHOLE_UPTO = 4_096
/** Further behind than this after an absence, the state is taken in place of all that happened. */
export const MAX_REPLAY = 20_000

export type FeedOptions = LinkEnvironment & {
  executionId?: string | undefined
  apiBase?: string | undefined
  /** Who looks, where no session cookie says so: for pages of another origin. Simple mode cannot carry it. */
  token?: TokenSource | undefined
  onComplete?: (result: ExecutionResult) => void
  onError?: (error: Error) => void
  WebSocket?: WebSocketConstructor
  fetch?: Fetch
}

export class ExecutionFeed {
  readonly store: ExecutionStore
  readonly #workflowId: string
  readonly #options: FeedOptions
  readonly #fetch: Fetch
  readonly #pinned: string | null
  readonly #plain: PlainSession
  readonly #viewer: RichViewer
  readonly #link: Link
  readonly #completed = new Set<string>()

  constructor(workflowId: string, options: FeedOptions = {}) {
    this.#workflowId = workflowId
    this.#options = options
    this.#fetch = authorized(options.fetch, options.token)
    this.store = new ExecutionStore(workflowId)
    this.#pinned = pinnedExecution(workflowId, options.executionId)
    this.#plain = new PlainSession(this.#pinned, 0)
    this.#viewer = this.#richViewer()
    this.#link = new Link(
      ['rich', 'plain', 'sse', 'poll'],
      {
        open: way => this.#open(way),
        converse: line => (line.way === 'plain' ? this.#plainly(line) : this.#richly(line)),
        ask: () => askWhy(subjectPath(workflowId, this.#pinned), options.apiBase, this.#fetch),
        onState: (state, heardAt) => this.store.setConnection(state, heardAt),
      },
      options,
    )
  }

  /** Connect; may be called again after `stop` and then goes on where it was. */
  start(): void {
    this.#link.connect()
  }

  stop(): void {
    this.#link.disconnect()
  }

  retryNow(): void {
    this.#link.retryNow()
  }

  #open(way: Way): Socket {
    const { held } = this.store
    const { apiBase, WebSocket } = this.#options
    if (way === 'sse' || way === 'poll') {
      const about = { workflowId: this.#workflowId, pinned: this.#pinned, base: apiBase, fetch: this.#fetch }
      return openHttpSocket(way, { ...about, tail: TAIL_LINES }, held)
    }
    if (held.executionId && held.cursor) this.#plain.seek(held.executionId, held.cursor.seq)
    const protocols = way === 'rich' ? richProtocols() : []
    return openWebSocket(plainAddress(this.#workflowId, this.#plain, apiBase), WebSocket, protocols)
  }

  #plainly(line: Line): Conversation {
    return new PlainConversation(line, this.#plain, {
      isPinned: this.#pinned !== null,
      update: update => this.#receive(update),
      fault: error => this.#options.onError?.(error),
    })
  }

  #richly(line: Line): Conversation {
    const x = this.#pinned ?? this.#workflowId
    const wanted = {
      x,
      tail: TAIL_LINES,
      wholeUpto: WHOLE_UPTO,
      maxReplay: MAX_REPLAY,
      client: 'headway-web',
    }
    return new RichConversation(line, new Session(wanted, this.store.held), this.#viewer, {
      now: this.#options.now ?? Date.now,
      otherwise: () => this.#plainly(line),
      token: this.#options.token,
    })
  }

  #richViewer(): RichViewer {
    const { store } = this
    return {
      isPinned: this.#pinned !== null,
      get held() {
        return store.held
      },
      get isClosed() {
        return store.isClosed
      },
      snapshot: effect => this.#adopt(effect),
      events: effect => this.#follow(effect),
      fault: error => this.#options.onError?.(error),
    }
  }

  #adopt(snapshot: SnapshotEffect): void {
    this.store.adopt(snapshot)
    if (snapshot.state.closed) this.#complete(resultOfState(snapshot.state))
  }

  #follow(frame: EventsEffect): void {
    this.store.follow(frame)
    for (const update of frame.events) if (isTerminal(update)) this.#complete(resultOf(update))
  }

  #receive(update: WorkflowExecutionUpdate): void {
    if (update.beat) return
    const state = update.snapshot ? stateFromJson(update.state) : null
    const { execution_id: id } = update
    if (state) {
      this.store.adopt({ state })
      if (state.closed) this.#complete(resultOfState(state))
      return
    }
    if (id !== undefined && id !== this.store.executionId) {
      this.store.reset(id, update.workflow_id ?? this.#workflowId, (update.seq ?? 1) - 1)
    }
    this.store.apply(update)
    if (isTerminal(update)) this.#complete(resultOf(update))
  }

  #complete(result: ExecutionResult): void {
    if (this.#completed.has(result.execution_id)) return
    this.#completed.add(result.execution_id)
    this.store.flush()
    this.#options.onComplete?.(result)
  }
}

/** The result a terminal update carries; a plain server's update gives what it has. */
export function resultOf(update: WorkflowExecutionUpdate): ExecutionResult {
  const { data } = update
  const result = isRecord(data.result) ? data.result : {}
  const totals = result['totals'] ?? data['totals']
  const error = result['error'] ?? data.error
  return {
    execution_id: update.execution_id ?? String(result['execution_id'] ?? ''),
    status: data.status as Status,
    output: result['output'] ?? null,
    error: typeof error === 'string' ? error : null,
    totals: isRecord(totals) ? (totals as Totals) : null,
  }
}

/** The same of an execution that had ended before anybody looked. */
function resultOfState({ execution_id, status, output, error, totals }: State): ExecutionResult {
  return { execution_id, status: status as Status, output: output ?? null, error, totals }
}
