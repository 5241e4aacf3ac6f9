/** Pages of another origin, on the real server, which asks for a token. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'
import { FaultProxy } from '../../e2e/support/faultProxy'
import { EXECUTION } from '../../test/builders'
import { eventually as soon } from '../../test/eventually'
import { FeedServer } from '../../test/feedServer'
import { RealServer, type Written } from '../../test/realServer'
import { ExecutionFeed, type FeedOptions } from './executionFeed'
import { HttpApi } from './http'
import { LobbyClient } from './lobby'
import type { TokenSource } from './token'
import type { WebSocketConstructor } from './websocket'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

const TOKEN = 'a-token-of-this-test'
const UPGRADES = /upgrade: websocket/i
const STREAMS = /accept: text\/event-stream/i

let server: RealServer
let link: FaultProxy
let feed: ExecutionFeed | undefined
let at: Written
let asked: number

beforeAll(async () => {
  server = await RealServer.start(TOKEN)
})

afterAll(() => server.stop())

beforeEach(async () => {
  link = await new FaultProxy(server.url).listen()
  at = await server.tell('next')
  asked = 0
})

afterEach(async () => {
  feed?.stop()
  await link.close()
})

const eventually = (holds: () => boolean) => soon(holds, 15_000)
const token: TokenSource = () => {
  asked += 1
  return Promise.resolve(TOKEN)
}
const plainFetch = (input: string, init?: RequestInit) => fetch(input, init)

function follow(options: FeedOptions = {}): ExecutionFeed {
  feed = new ExecutionFeed('nightly_import', {
    apiBase: link.url,
    executionId: at.execution_id,
    random: () => 0.01,
    WebSocket: NodeWebSocket as unknown as WebSocketConstructor,
    fetch: plainFetch,
    token,
    ...options,
  })
  feed.start()
  return feed
}

describe('a feed with a token', () => {
  it.each([
    ['websocket', null, undefined],
    ['sse', UPGRADES, 'sse'],
    ['poll', new RegExp(`${UPGRADES.source}|${STREAMS.source}`, 'i'), 'poll'],
  ])('is let in over %s, and brings it again after a cut', async (_, forbids, transport) => {
    link.forbids = forbids
    const { store } = follow()
    at = await server.tell('log', 30)
    await eventually(() => store.lastSeq === at.last_seq)
    const before = asked
    link.cut()
    at = await server.tell('log', 5)
    await eventually(() => store.lastSeq === at.last_seq && asked > before)

    store.flush()
    const { state } = store.get('connection')
    expect(state).toEqual({ name: 'live', ...(transport ? { transport } : {}) })
  })

  it('stops with the reason where the token is not valid', async () => {
    const { store } = follow({ token: () => 'another one' })
    await eventually(() => store.get('connection').state.name === 'refused')

    expect(store.lastSeq).toBe(0)
  })

  it('tries again where none could be got, and says so', async () => {
    const errors: string[] = []
    const sources = [() => Promise.reject(new Error('signed out')), token]
    const { store } = follow({
      token: () => (sources.shift() ?? token)(),
      onError: error => errors.push(error.message),
    })
    at = await server.tell('log', 3)
    await eventually(() => store.lastSeq === at.last_seq)

    expect(errors).toEqual(['signed out'])
  })

  it('gives a fresh one when the server says that it ends soon', async () => {
    const said: { t: string; token?: string }[] = []
    const model = await FeedServer.start()
    model.onSocket = socket => {
      socket.on('message', data => {
        const message = JSON.parse(String(data)) as { t: string; token?: string }
        said.push(message)
        if (message.t === 'hello')
          for (const frame of [
            { t: 'welcome', limits: {} },
            { t: 'auth_soon', in: 60 },
          ])
            socket.send(JSON.stringify(frame))
      })
    }
    let count = 0
    follow({ apiBase: model.base, executionId: EXECUTION, token: () => `token ${++count}` })
    await eventually(() => said.some(({ t }) => t === 'auth'))
    feed?.stop()
    await model.stop()

    expect(said.filter(({ t }) => t !== 'sub')).toEqual([
      { t: 'hello', client: 'headway-web', token: 'token 1' },
      { t: 'auth', token: 'token 2' },
    ])
  })
})

describe('others with a token', () => {
  it('the HTTP API asks with it', async () => {
    const known = new HttpApi(server.url, plainFetch, token)
    expect((await known.execution(at.execution_id)).execution.execution_id).toBe(at.execution_id)

    await expect(new HttpApi(server.url, plainFetch).execution(at.execution_id)).rejects.toMatchObject({
      code: 'unauthorized',
    })
  })

  it.each([
    ['sockets', null],
    ['polling', UPGRADES],
  ])('the list comes by %s', async (_, forbids) => {
    link.forbids = forbids
    const statuses = new Map<string, string>()
    const options = { WebSocket: NodeWebSocket as unknown as WebSocketConstructor, fetch: plainFetch, token }
    const resets: boolean[] = []
    const lobby = new LobbyClient(
      (rows, reset) => {
        resets.push(reset)
        for (const { execution_id: id, status } of rows) statuses.set(id, status)
      },
      { base: link.url, random: () => 0.01, ...options },
    )
    lobby.connect()
    try {
      await eventually(() => statuses.has(at.execution_id))
      await server.tell('complete')
      await eventually(() => statuses.get(at.execution_id) === 'completed')
    } finally {
      lobby.disconnect()
    }

    expect(lobby.state.name).toBe('idle')
    expect(resets.filter(Boolean)).toHaveLength(1)
  })
})
