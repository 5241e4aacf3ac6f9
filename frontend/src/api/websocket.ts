/**
 * The feed of a workflow over WebSocket, in simple mode: reconnects, resumes after the last seq, and repeats or loses
 * nothing. Any server that sends such frames will do.
 *
 * This is the only file that makes a WebSocket.
 */

import type { ConnectionState } from '../core/connection'
import type { WorkflowExecutionUpdate } from '../core/events'
import { DEFLATE_SUBPROTOCOL, SUBPROTOCOL } from '../core/messages'
import { PlainSession } from '../core/plainSession'
import { socketAddress } from './address'
import { PlainConversation } from './conversations'
import { executionPath, type Fetch } from './http'
import { canInflate } from './inflater'
import { askWhy, Link, type LinkEnvironment, type Socket } from './link'

export type { WorkflowExecutionUpdate } from '../core/events'
export { MissingEvents } from '../core/plainSession'
export type { Socket } from './link'

export type WebSocketConstructor = new (address: string, protocols?: string[]) => Socket

export type WebSocketOptions = LinkEnvironment & {
  /** Follow this execution alone; else the workflow's current one, and the next when it has ended. */
  execution?: string | undefined
  /** Begin after this seq; 0 for the whole log. Without it: a folded status and the recent events. */
  after?: number
  /** Seconds of silence after which the server sends a sign of life. */
  beatS?: number
  /** Address of the server; by default the page's own. */
  base?: string | undefined
  onState?: (state: ConnectionState, heardAt: number | null) => void
  WebSocket?: WebSocketConstructor
  fetch?: Fetch
}

const EXECUTION_ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/
const BEAT_S = 15

/** Follows a workflow's executions, one at a time, each event once and in order. */
export class WorkflowWebSocketClient {
  readonly #link: Link
  readonly #session: PlainSession

  /**
   * @param workflowId or the id of an execution, which is then followed to its end
   * @param onUpdate gets every frame but repeated ones
   * @param onError gets what could not be read; the stream goes on
   */
  constructor(
    workflowId: string,
    onUpdate: (update: WorkflowExecutionUpdate) => void,
    onError: (error: Error) => void = () => {},
    options: WebSocketOptions = {},
  ) {
    const pinned = pinnedExecution(workflowId, options.execution)
    const session = new PlainSession(pinned, options.after ?? null)
    const viewer = { isPinned: pinned !== null, update: onUpdate, fault: onError }
    this.#session = session
    this.#link = new Link(
      ['plain'],
      {
        open: () =>
          openWebSocket(plainAddress(workflowId, session, options.base, options.beatS), options.WebSocket),
        converse: line => new PlainConversation(line, session, viewer),
        ask: () => askWhy(subjectPath(workflowId, pinned), options.base, options.fetch),
        onState: options.onState,
      },
      options,
    )
  }

  get state(): ConnectionState {
    return this.#link.state
  }

  /** Open the socket and keep it up until `disconnect`. */
  connect(): void {
    this.#link.connect()
  }

  disconnect(): void {
    this.#link.disconnect()
  }

  /** Try at once instead of waiting for the next try. */
  retryNow(): void {
    this.#link.retryNow()
  }

  /** Say how far the log reaches, so that catching up can be shown. */
  expectHead(execution: string, head: number): void {
    const { execution: followed } = this.#session
    if (execution === followed || followed === null) this.#link.expectHead(head)
  }

  /** Go on elsewhere in the log of `execution`: events after `seq` follow next. */
  seek(execution: string, seq: number): void {
    this.#session.seek(execution, seq)
    this.#link.retryNow()
  }
}

/** The one execution that is to be followed, if it is one. */
export function pinnedExecution(workflowId: string, execution?: string): string | null {
  if (execution) return execution
  return EXECUTION_ID.test(workflowId) ? workflowId : null
}

/** Where HTTP tells of what is followed. */
export function subjectPath(workflowId: string, pinned: string | null): string {
  return pinned ? executionPath(pinned) : `api/workflows/${encodeURIComponent(workflowId)}`
}

/** The address of simple mode that goes on where `session` is; in rich mode its query has no meaning. */
export function plainAddress(
  workflowId: string,
  { execution, seq }: PlainSession,
  base?: string,
  beatS = BEAT_S,
): string {
  const query = new URLSearchParams()
  if (execution !== null && execution !== workflowId) query.set('execution', execution)
  if (seq !== null) query.set('after', String(seq))
  query.set('beat', String(beatS))
  return socketAddress(`ws/workflow/${encodeURIComponent(workflowId)}`, query, base)
}

/** What is offered for rich mode: compressed frames only where they can be read. */
export function richProtocols(): string[] {
  return canInflate() ? [DEFLATE_SUBPROTOCOL, SUBPROTOCOL] : [SUBPROTOCOL]
}

/** Open the page's WebSocket, or the one given; a server may take one of the protocols offered. */
export function openWebSocket(
  address: string,
  Constructor: WebSocketConstructor = WebSocket as unknown as WebSocketConstructor,
  protocols: string[] = [],
): Socket {
  if (protocols.length === 0) return new Constructor(address)
  const socket = new Constructor(address, protocols)
  socket.binaryType = 'arraybuffer'
  return socket
}
