/** The list of executions as it changes: all rows first, then those that changed, each at most four times a second. */

import type { ConnectionState } from '../core/connection'
import { LOBBY, type Row } from '../core/messages'
import { NOTHING_HELD, Session } from '../core/session'
import { socketAddress } from './address'
import { RichConversation } from './conversations'
import { type Fetch, HttpApi } from './http'
import { askWhy, Link, type LinkEnvironment } from './link'
import { LobbyPollSocket } from './lobbySocket'
import { authorized, type TokenSource } from './token'
import { openWebSocket, richProtocols, type WebSocketConstructor } from './websocket'

export type { Row } from '../core/messages'

export type LobbyOptions = LinkEnvironment & {
  /** Address of the server; by default the page's own. */
  base?: string | undefined
  /** Who looks, where no session cookie says so: for pages of another origin. */
  token?: TokenSource | undefined
  onState?: (state: ConnectionState, heardAt: number | null) => void
  onError?: (error: Error) => void
  WebSocket?: WebSocketConstructor
  fetch?: Fetch
}

/** Follows the 200 newest executions over WebSocket; where none comes through, by reading the list every other second. */
export class LobbyClient {
  readonly #link: Link

  /**
   * @param onRows gets rows that changed; with `reset` all there are, newest first: what was shown before is gone
   */
  constructor(onRows: (rows: readonly Row[], reset: boolean) => void, options: LobbyOptions = {}) {
    const viewer = {
      isPinned: false,
      isClosed: false,
      held: NOTHING_HELD,
      rows: onRows,
      fault: (error: Error) => options.onError?.(error),
    }
    const fetcher = authorized(options.fetch, options.token)
    const api = new HttpApi(options.base, fetcher)
    const address = () => socketAddress('ws', new URLSearchParams(), options.base)
    this.#link = new Link(
      ['rich', 'poll'],
      {
        open: way =>
          way === 'poll'
            ? new LobbyPollSocket(api)
            : openWebSocket(address(), options.WebSocket, richProtocols()),
        converse: line =>
          new RichConversation(line, new Session({ x: LOBBY }), viewer, {
            now: options.now ?? Date.now,
            token: options.token,
          }),
        ask: () => askWhy('api/executions?limit=1', options.base, fetcher),
        onState: options.onState,
      },
      options,
    )
  }

  get state(): ConnectionState {
    return this.#link.state
  }

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
}
