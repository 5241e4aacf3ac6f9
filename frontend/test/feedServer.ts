/** A real HTTP and WebSocket server on a free port that speaks simple mode, and can be made to misbehave. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

const NOT_FOUND = { title: 'Not Found', status: 404, detail: 'Nothing has this id.', code: 'not_found' }

export type Frame = Record<string, unknown>

export class FeedServer {
  /** Addresses of the sockets opened so far, path and query. */
  readonly opened: string[] = []
  readonly asked: string[] = []
  /** JSON bodies of the POST requests so far. */
  readonly bodies: unknown[] = []
  /** Answers by path; anything else is 404. */
  readonly answers = new Map<string, { status: number; body: unknown }>()
  /** Where set, a handshake is refused with this status. */
  refuse: number | null = null
  /** Refuse who offers a subprotocol, as a server does that knows none. */
  plainOnly = false
  /** Called for each socket; by default the log after `after` is sent. */
  onSocket: (socket: WebSocket, query: URLSearchParams) => void
  readonly log: Frame[] = []
  readonly #http: Server
  readonly #sockets = new WebSocketServer({ noServer: true })

  private constructor() {
    this.onSocket = (socket, query) => this.replay(socket, Number(query.get('after') ?? 0))
    this.#http = createServer((request, response) => this.#answer(request, response))
    this.#http.on('upgrade', (request, socket, head) => {
      const stranger = this.plainOnly && request.headers['sec-websocket-protocol'] !== undefined
      if (this.refuse !== null || stranger) {
        socket.on('error', () => {}) // the client may reset what was refused to it
        socket.end(`HTTP/1.1 ${this.refuse ?? 400} Refused\r\nConnection: close\r\n\r\n`)
        return
      }
      const address = new URL(request.url ?? '/', 'http://127.0.0.1')
      this.opened.push(address.pathname + address.search)
      this.#sockets.handleUpgrade(request, socket, head, client =>
        this.onSocket(client, address.searchParams),
      )
    })
  }

  static async start(): Promise<FeedServer> {
    const server = new FeedServer()
    await new Promise<void>(resolve => server.#http.listen(0, '127.0.0.1', resolve))
    return server
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/`
  }

  get sockets(): WebSocket[] {
    return [...this.#sockets.clients].filter(socket => socket.readyState === WebSocket.OPEN)
  }

  /** Append events to the log and send them to every socket. */
  append(...events: Frame[]): void {
    this.log.push(...events)
    for (const socket of this.sockets) for (const event of events) socket.send(JSON.stringify(event))
  }

  /** Send what is in the log after a seq. */
  replay(socket: WebSocket, after: number): void {
    for (const event of this.log) if (Number(event['seq']) > after) socket.send(JSON.stringify(event))
  }

  /** Cut every connection without a closing handshake. */
  cut(): void {
    for (const socket of this.#sockets.clients) socket.terminate()
  }

  async stop(): Promise<void> {
    this.cut()
    this.#http.closeAllConnections()
    await new Promise(resolve => this.#http.close(resolve))
  }

  #page(query: URLSearchParams): { status: number; body: unknown } {
    const after = Number(query.get('after'))
    const events = this.log.filter(event => Number(event['seq']) > after).slice(0, Number(query.get('limit')))
    return { status: 200, body: { events, last_seq: this.log.length, closed: false, cursor: '' } }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    this.asked.push(`${request.method} ${pathname}`)
    // A page of another origin, as jsdom's is, asks first.
    const allowed = {
      'Access-Control-Allow-Origin': request.headers.origin ?? '*',
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Headers': 'content-type, idempotency-key',
    }
    if (request.method === 'OPTIONS') {
      response.writeHead(204, allowed).end()
      return
    }
    let text = ''
    request.on('data', chunk => {
      text += String(chunk)
    })
    request.on('end', () => {
      if (text) this.bodies.push(JSON.parse(text))
      const events = pathname.endsWith('/events') ? this.#page(searchParams) : undefined
      const { status, body } = this.answers.get(pathname) ?? events ?? { status: 404, body: NOT_FOUND }
      response.writeHead(status, { ...allowed, 'Content-Type': 'application/json' })
      response.end(JSON.stringify(body))
    })
  }
}
