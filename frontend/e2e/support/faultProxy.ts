/** A TCP proxy before the server that can cut what goes through it, or refuse what offices refuse. */

import { createConnection, createServer, type Server, type Socket } from 'node:net'

const UPGRADE = /upgrade: websocket/i

export class FaultProxy {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #refusing = false
  #isFrozen = false
  /** Requests that are answered with 403 here, and never reach the server. */
  forbids: RegExp | null = null
  /** After so many bytes from the server a new WebSocket brings no more, until `thaw`. */
  allowance = Number.POSITIVE_INFINITY
  /** Let WebSocket handshakes through, and nothing after them. */
  swallows = false
  url = ''

  constructor(targetUrl: string) {
    const { port } = new URL(targetUrl)
    this.#server = createServer(client => {
      if (this.#refusing) {
        client.destroy()
        return
      }
      const target = createConnection(Number(port), '127.0.0.1')
      for (const socket of [client, target]) {
        this.#sockets.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => {
          this.#sockets.delete(socket)
          if (isSwallowed && socket === target) return
          client.destroy()
          target.destroy()
        })
      }
      let isSwallowed = false
      let isSocket = false
      client.on('data', chunk => {
        if (isSwallowed) return
        isSocket ||= UPGRADE.test(chunk.toString('latin1'))
        if (this.swallows && UPGRADE.test(chunk.toString('latin1'))) {
          isSwallowed = true
          target.once('data', () => target.removeAllListeners('data').resume())
        }
        if (this.forbids?.test(chunk.toString('latin1')))
          client.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        else target.write(chunk)
      })
      client.on('end', () => target.end())
      this.#carry(target, client, () => isSocket)
      if (this.#isFrozen) for (const socket of [client, target]) socket.pause()
    })
  }

  async listen(): Promise<this> {
    await new Promise<void>(done => this.#server.listen(0, '127.0.0.1', done))
    const address = this.#server.address()
    this.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    return this
  }

  #carry(target: Socket, client: Socket, isSocket: () => boolean): void {
    let left = this.allowance
    target.on('data', chunk => {
      const most = isSocket() && Number.isFinite(this.allowance) ? Math.max(0, left) : chunk.length
      client.write(chunk.subarray(0, most))
      left -= chunk.length
      if (most >= chunk.length) return
      target.pause()
      target.unshift(chunk.subarray(most))
    })
    target.on('end', () => client.end())
  }

  /** Carry nothing any more, in either direction, and say nothing of it: as where a cable is pulled. */
  freeze(): void {
    this.#isFrozen = true
    for (const socket of this.#sockets) socket.pause()
  }

  thaw(): void {
    this.#isFrozen = false
    this.allowance = Number.POSITIVE_INFINITY
    for (const socket of this.#sockets) socket.resume()
  }

  /** Reset every connection, in the middle of whatever it carries. */
  cut(): number {
    const count = this.#sockets.size
    for (const socket of this.#sockets) socket.resetAndDestroy()
    return count
  }

  /** Cut, and let nobody in until `restore`. */
  block(): void {
    this.#refusing = true
    this.cut()
  }

  restore(): void {
    this.#refusing = false
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise(done => this.#server.close(done))
  }
}
