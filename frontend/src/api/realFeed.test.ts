/** The feed on the real server: what the rules say, over sockets that are cut, refused and moved. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'
import { FaultProxy } from '../../e2e/support/faultProxy'
import { eventually as soon } from '../../test/eventually'
import { RealServer, type Written } from '../../test/realServer'
import { HANDSHAKE_MS } from '../core/connection'
import type { SliceName, Slices } from '../core/store'
import { ExecutionFeed, type FeedOptions } from './executionFeed'
import { LobbyClient, type Row } from './lobby'
import type { Socket, WebSocketConstructor } from './websocket'

// A server of its own process and a machine that may be busy: what is waited for comes, but not by the clock.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

let server: RealServer
let link: FaultProxy
let feed: ExecutionFeed
let at: Written
let errors: Error[]
/** What came over WebSockets, by kind, and what they spoke. */
let binaryFrames: number
let dictionaries: number
let sockets: NodeWebSocket[]

/** Remembers the sockets that are made. */
class SpyingWebSocket extends NodeWebSocket {
  constructor(address: string, protocols?: string[]) {
    super(address, protocols)
    sockets.push(this)
    this.on('message', (data, isBinary) => {
      if (isBinary) binaryFrames += 1
      if (isBinary && new Uint8Array(data as ArrayBuffer)[0] === 0x80) dictionaries += 1
    })
  }
}

beforeAll(async () => {
  server = await RealServer.start()
})

afterAll(() => server.stop())

beforeEach(async () => {
  link = await new FaultProxy(server.url).listen()
  at = await server.tell('next')
  errors = []
  sockets = []
  binaryFrames = 0
  dictionaries = 0
})

afterEach(async () => {
  feed?.stop()
  await link.close()
})

const eventually = (holds: () => boolean) => soon(holds, 15_000)

function follow(options: FeedOptions = {}): void {
  feed = new ExecutionFeed('nightly_import', {
    apiBase: link.url,
    executionId: at.execution_id,
    random: () => 0.01,
    onError: error => errors.push(error),
    WebSocket: SpyingWebSocket as unknown as WebSocketConstructor & (new (address: string) => Socket),
    fetch: (input, init) => fetch(input, init),
    ...options,
  })
  feed.start()
}

function shown<Name extends SliceName>(name: Name): Slices[Name] {
  feed.store.flush()
  return feed.store.get(name)
}

const tell = async (order: Parameters<RealServer['tell']>[0], count?: number) => {
  at = await server.tell(order, count)
}
const isAtHead = () => feed.store.lastSeq === at.last_seq && feed.store.executionId === at.execution_id
const connection = () => shown('connection').state

/** The log lines on the page are those of the journal. */
async function expectStoredLog(): Promise<void> {
  const stored = (await server.stored(at.execution_id))
    .map(line => JSON.parse(line) as { type: string; data: { message: string } })
    .filter(({ type }) => type === 'log')
  const { log } = shown('log')
  expect(Array.from({ length: log.count }, (_, index) => log.line(index).text)).toEqual(
    stored.map(({ data }) => data.message),
  )
}

describe('over WebSocket', () => {
  it('goes on over cuts in the middle of frames: each event of the journal once, and proven', async () => {
    follow()
    for (let cut = 0; cut < 6; cut++) {
      await tell('log', 150)
      link.cut()
      await tell('log', 30)
      if (cut % 2) await eventually(isAtHead)
    }
    await tell('complete')
    await eventually(() => feed.store.isClosed)

    await expectStoredLog()
    expect(shown('summary')).toMatchObject({ verifiedFrom: 0, lastSeq: 1_082, resetBy: null })
    expect(errors).toEqual([])
  })

  it('is proven from the first try that comes through, though the handshakes before were cut', async () => {
    await tell('log', 20)
    link.block()
    follow()
    await eventually(() => sockets.length > 0 && connection().name === 'reconnecting')
    link.restore()
    await eventually(() => shown('summary').verifiedFrom !== null && isAtHead())

    expect(sockets.at(-1)?.protocol).toMatch(/^headway\.v1/)
    await expectStoredLog()
  })

  it('is told of a restored copy though it began without our subprotocol', async () => {
    await tell('log', 20)
    await tell('copy')
    link.forbids = /sec-websocket-protocol/i
    follow()
    await eventually(isAtHead)
    expect(shown('summary').verifiedFrom).toBeNull()
    link.forbids = null
    await eventually(() => shown('summary').verifiedFrom !== null)
    await tell('log', 2)
    await eventually(isAtHead)
    await tell('restore')
    await tell('log', 1)
    await tell('complete')
    link.cut()
    await eventually(() => shown('summary').resetBy === 'fork' && feed.store.isClosed)

    await expectStoredLog()
  })

  it('inflates what comes compressed, in order with what does not', async () => {
    follow()
    await eventually(isAtHead)
    for (const size of [200, 1, 90, 1, 200]) {
      await tell('log', size)
      await eventually(isAtHead) // so that each is a frame of its own
    }

    expect(sockets.at(-1)?.protocol).toBe('headway.v1.deflate')
    expect(binaryFrames).toBeGreaterThan(2)
    expect(dictionaries).toBe(1)
    expect(shown('summary').verifiedFrom).toBe(0)
    await expectStoredLog()
  })

  it('is told why an older copy of the log makes it begin anew', async () => {
    await tell('log', 20)
    await tell('copy')
    await tell('log', 5)
    follow()
    await eventually(isAtHead)
    await tell('restore')
    await eventually(() => shown('summary').resetBy !== null && isAtHead())
    expect(shown('summary').resetBy).toBe('ahead')
    await tell('log', 3)
    await eventually(isAtHead)

    await expectStoredLog()
  })

  it('moves to another connection when it is asked to, and misses nothing', async () => {
    follow()
    await eventually(isAtHead)
    await tell('log', 10)
    await tell('drain')
    for (let n = 0; n < 20; n++) await tell('log', 7)
    await eventually(() => sockets.length === 2 && sockets[0]?.readyState === NodeWebSocket.CLOSED)
    await tell('log', 4)
    await eventually(isAtHead)

    expect(connection()).toEqual({ name: 'live' })
    await expectStoredLog()
  })

  it('joins a long execution at its end', async () => {
    await tell('log', 9_000)
    follow()
    await eventually(isAtHead)
    await tell('log', 10)
    await eventually(isAtHead)

    expect(shown('summary')).toMatchObject({ verifiedFrom: 9_001, counts: { logs: 9_010 } })
    const { log } = shown('log')
    expect(log.line(log.count - 1)).toMatchObject({ number: 9_010 })
    expect(log.line(log.count - 1_010).text).toContain('line 8002 ')
  })

  it('has the lobby’s rows', async () => {
    const rows = new Map<string, Row>()
    const lobby = new LobbyClient(
      changed => {
        for (const row of changed) rows.set(row.execution_id, row)
      },
      { base: link.url },
    )
    lobby.connect()
    try {
      await eventually(() => rows.has(at.execution_id))
      await tell('complete')
      await eventually(() => rows.get(at.execution_id)?.status === 'completed')
    } finally {
      lobby.disconnect()
    }
  })
})

const UPGRADES = /upgrade: websocket/i
const STREAMS = /accept: text\/event-stream/i
const BOTH = new RegExp(`${UPGRADES.source}|${STREAMS.source}`, 'i')
const WAYS = [
  ['websocket', null],
  ['sse', UPGRADES],
  ['poll', BOTH],
] as const

describe.each(WAYS)('a workflow over %s', (_, forbidden) => {
  let ended: string[]

  function followWorkflow(): void {
    ended = []
    link.forbids = forbidden
    follow({ executionId: undefined, onComplete: result => ended.push(result.execution_id) })
  }

  it('is followed through every execution in the order of creation, whatever the ids', async () => {
    followWorkflow()
    await eventually(isAtHead)
    const first = at.execution_id
    await tell('burst', 3)
    await eventually(() => ended.length === 4)

    const newest = await fetch(`${server.url}/api/executions?workflow_id=nightly_import&limit=3`)
    const { executions } = (await newest.json()) as { executions: { execution_id: string }[] }
    const created = executions.map(({ execution_id }) => execution_id).reverse()
    expect(created).toEqual([...created].sort().reverse())
    expect(ended).toEqual([first, ...created])
    expect(shown('summary').resetBy).toBeNull()
  })

  it('goes on with what there is where its execution is gone, and says so', async () => {
    await tell('log', 5)
    await tell('copy')
    await tell('next')
    followWorkflow()
    await eventually(isAtHead)
    await tell('restore')
    link.cut()
    await eventually(() => shown('summary').resetBy === 'ahead' && isAtHead())

    await tell('log', 2)
    await eventually(isAtHead)
    await expectStoredLog()
    expect(connection().name).toBe('live')
  })
})

describe('where a proxy forbids WebSocket', () => {
  it.each([
    ['sse', UPGRADES],
    ['poll', BOTH],
  ] as const)('follows by %s, with the same log, and proven', async (transport, forbidden) => {
    await tell('log', 600)
    link.forbids = forbidden
    follow()
    await eventually(isAtHead)
    expect(connection()).toEqual({ name: 'live', transport })
    for (let cut = 0; cut < 2; cut++) {
      await tell('log', 40)
      link.cut()
      await tell('log', 5)
      await eventually(isAtHead)
    }
    await tell('complete')
    await eventually(() => feed.store.isClosed)

    await expectStoredLog()
    expect(shown('summary').verifiedFrom).toBe(0)
    expect(errors).toEqual([])
  })

  it.each([
    ['once', 1],
    ['always', Number.POSITIVE_INFINITY],
  ] as const)('shows nothing of a page that is altered on its way %s', async (_, most) => {
    await tell('log', 20)
    link.forbids = BOTH
    let altered = 0
    follow({
      fetch: async (input, init) => {
        const response = await fetch(input, init)
        const isPage = response.ok && String(input).includes('/events?') && altered < most
        if (!isPage) return response
        const text = await response.text()
        const changed = text.replace('line 7 of', 'lime 7 of')
        if (changed !== text) altered += 1
        return new Response(changed, { headers: response.headers })
      },
    })
    await eventually(() => altered >= Math.min(most, 4))
    if (most === 1) await eventually(isAtHead)

    expect(feed.store.lastSeq).toBe(most === 1 ? 21 : 0)
    if (most === 1) await expectStoredLog()
  })

  it('goes back to WebSocket once that comes through', async () => {
    link.forbids = UPGRADES
    let skipped = 0
    const timer = (callback: () => void, ms: number) => {
      const early = setTimeout(callback, Math.min(ms, 20)) // the clock is moved: look at it often
      return () => clearTimeout(early)
    }
    follow({ now: () => Date.now() + skipped, timer })
    await eventually(() => connection().name === 'live')
    expect(connection()).toEqual({ name: 'live', transport: 'sse' })
    link.forbids = null
    for (let frame = 0; frame < 3; frame++) {
      skipped += 20_000
      await tell('log', 1)
      await eventually(isAtHead)
    }
    await eventually(() => !('transport' in connection()))

    await tell('log', 3)
    await eventually(isAtHead)
    await expectStoredLog()
  })

  it('takes to a stream where handshakes come through and nothing else does', async () => {
    await tell('log', 20)
    link.swallows = true
    let skipped = 0
    const timer = (callback: () => void, ms: number) => {
      const early = setTimeout(callback, Math.min(ms, 20))
      return () => clearTimeout(early)
    }
    follow({ now: () => Date.now() + skipped, timer })
    await eventually(() => sockets[0]?.readyState === NodeWebSocket.OPEN)
    skipped += HANDSHAKE_MS
    await eventually(isAtHead)

    expect(connection()).toEqual({ name: 'live', transport: 'sse' })
    expect(sockets).toHaveLength(1)
    await expectStoredLog()
  })

  it('begins anew with the reason where the log was replaced', async () => {
    await tell('log', 20)
    await tell('copy')
    await tell('log', 5)
    link.forbids = UPGRADES
    const caches: (RequestCache | undefined)[] = []
    follow({
      fetch: (input, init) => {
        if (String(input).includes('/log/chunks/')) caches.push(init?.cache)
        return fetch(input, init)
      },
    })
    await eventually(isAtHead)
    expect(caches).toEqual([undefined])
    await tell('restore')
    link.cut()
    await eventually(() => shown('summary').resetBy === 'ahead' && isAtHead())
    expect(caches).toEqual([undefined, 'reload'])

    await tell('log', 2)
    await eventually(isAtHead)
    await expectStoredLog()
  })

  it('goes on with the workflow’s next execution', async () => {
    link.forbids = UPGRADES
    await tell('complete')
    feed = new ExecutionFeed('nightly_import', { apiBase: link.url, random: () => 0.01 })
    feed.start()
    await eventually(() => feed.store.isClosed && isAtHead())
    await tell('next')
    await eventually(isAtHead)

    expect(feed.store.executionId).toBe(at.execution_id)
  })
})
