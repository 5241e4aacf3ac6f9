import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'
import { EXECUTION, Execution, OTHER_EXECUTION } from '../../test/builders'
import { eventually } from '../../test/eventually'
import { FeedServer } from '../../test/feedServer'
import { HANDSHAKE_MS, STALE_MS } from '../core/connection'
import {
  type MissingEvents,
  type Socket,
  type WebSocketOptions,
  type WorkflowExecutionUpdate,
  WorkflowWebSocketClient,
} from './websocket'

type Constructor = NonNullable<WebSocketOptions['WebSocket']>

describe('on a real server', () => {
  let server: FeedServer
  let client: WorkflowWebSocketClient
  let updates: WorkflowExecutionUpdate[]
  let errors: Error[]

  beforeEach(async () => {
    server = await FeedServer.start()
    updates = []
    errors = []
  })

  afterEach(async () => {
    client.disconnect()
    await server.stop()
  })

  function follow(workflowId = 'nightly_import', options: WebSocketOptions = {}): WorkflowWebSocketClient {
    client = new WorkflowWebSocketClient(
      workflowId,
      update => updates.push(update),
      error => errors.push(error),
      {
        base: server.base,
        WebSocket: NodeWebSocket as unknown as Constructor,
        fetch: (input, init) => fetch(input, init),
        random: () => 0.01,
        ...options,
      },
    )
    client.connect()
    return client
  }

  const seqs = () => updates.map(update => update.seq)

  it('passes every event on, in order, as the server sent it', async () => {
    const run = new Execution()
    server.append(run.queued(), run.started(), run.log('hello'), run.completed({ rows: 3 }))
    follow()
    await eventually(() => updates.length === 4)

    expect(seqs()).toEqual([1, 2, 3, 4])
    expect(updates[2]).toMatchObject({
      type: 'log',
      kind: 'log',
      execution_id: EXECUTION,
      data: { message: 'hello' },
    })
    expect(server.opened).toEqual(['/ws/workflow/nightly_import?beat=15'])
  })

  it('goes on after the last seq when the connection is cut, and repeats and loses nothing', async () => {
    const run = new Execution()
    server.append(run.queued(), run.started())
    follow('nightly_import', { after: 0 })
    for (let cut = 0; cut < 5; cut++) {
      server.append(run.log(`before cut ${cut}`))
      await eventually(() => updates.length === server.log.length)
      server.cut()
      server.append(run.log(`while away ${cut}`))
      await eventually(() => updates.length === server.log.length)
    }

    expect(seqs()).toEqual(server.log.map(event => event['seq']))
    expect(server.opened[0]).toBe('/ws/workflow/nightly_import?after=0&beat=15')
    expect(server.opened[1]).toBe(`/ws/workflow/nightly_import?execution=${EXECUTION}&after=3&beat=15`)
  })

  it('survives a server that goes away and comes back with more', async () => {
    const run = new Execution()
    server.append(run.queued())
    follow()
    await eventually(() => updates.length === 1)
    server.answers.set('/api/workflows/nightly_import', { status: 503, body: {} })
    server.refuse = 503
    server.cut()
    server.append(run.started(), run.log('made while nobody could connect'))
    await eventually(() => server.asked.length > 0) // a try was refused, and the client asked why
    server.refuse = null
    await eventually(() => updates.length === 3)

    expect(seqs()).toEqual([1, 2, 3])
  })

  it('drops repeated events', async () => {
    const run = new Execution()
    const first = run.queued()
    server.append(first, run.started(), first, run.log('on'))
    follow()
    await eventually(() => updates.length === 3)

    expect(seqs()).toEqual([1, 2, 3])
  })

  it('asks again from the last seq where events are missing', async () => {
    const run = new Execution()
    server.append(run.queued(), run.started(), run.log('three'), run.log('four'))
    let sockets = 0
    server.onSocket = (socket, query) => {
      sockets += 1
      if (sockets > 1) return server.replay(socket, Number(query.get('after')))
      for (const event of server.log) if (event['seq'] !== 3) socket.send(JSON.stringify(event))
    }
    follow()
    await eventually(() => updates.length === 4)

    expect(seqs()).toEqual([1, 2, 3, 4])
    expect(server.opened[1]).toContain('after=2')
  })

  it('goes on past events that are gone for good, and says so once', async () => {
    const run = new Execution()
    const kept = [run.queued(), run.started(), run.log('three'), run.log('four')].slice(2)
    server.append(...kept)
    follow('nightly_import', { after: 0 })
    await eventually(() => updates.length === 2)

    expect(seqs()).toEqual([3, 4])
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({
      name: 'MissingEvents',
      after: 0,
      before: 3,
    } satisfies Partial<MissingEvents>)
  })

  it('gives a frame it cannot read to onError, and the stream goes on', async () => {
    const run = new Execution()
    const [queued, started, log] = [run.queued(), run.started(), run.log('on')]
    server.onSocket = socket => {
      socket.send(JSON.stringify(queued))
      socket.send('{"type": ')
      socket.send(JSON.stringify(log))
      socket.send(Buffer.from([1, 2, 3]))
      socket.send('[]')
    }
    follow()
    await eventually(() => errors.length === 3)

    expect(started['seq']).toBe(2)
    expect(seqs()).toEqual([1, 3])
    expect(errors.map(error => error.name)).toEqual(['InvalidFrame', 'InvalidFrame', 'InvalidFrame'])
    expect(server.opened).toHaveLength(1)
  })

  it('moves on to the next execution and begins at its first event', async () => {
    const [one, two] = [new Execution(), new Execution(OTHER_EXECUTION)]
    server.append(one.queued(), one.completed())
    follow()
    await eventually(() => updates.length === 2)
    expect(client.state.name).toBe('ended')
    server.append(two.queued(), two.log('again'))
    await eventually(() => updates.length === 4)

    expect(updates.map(update => [update.execution_id, update.seq])).toEqual([
      [EXECUTION, 1],
      [EXECUTION, 2],
      [OTHER_EXECUTION, 1],
      [OTHER_EXECUTION, 2],
    ])
    expect(client.state.name).toBe('live')
  })

  it('stops at the end of the one execution it was asked for', async () => {
    const [one, two] = [new Execution(), new Execution(OTHER_EXECUTION)]
    server.append(one.queued(), one.completed(), two.queued())
    follow('nightly_import', { execution: EXECUTION, after: 0 })
    await eventually(() => client.state.name === 'ended' && server.sockets.length === 0)

    expect(updates.map(update => update.execution_id)).toEqual([EXECUTION, EXECUTION])
    expect(server.opened).toEqual([`/ws/workflow/nightly_import?execution=${EXECUTION}&after=0&beat=15`])
  })

  it('resumes after the seq a snapshot was folded at', async () => {
    const snapshot = {
      ...{ execution_id: EXECUTION, workflow_id: 'w', kind: 'snapshot', type: 'status', timestamp: 't' },
      ...{ snapshot: true, as_of: 40, data: { status: 'running', progress: 10 } },
    }
    server.onSocket = socket => socket.send(JSON.stringify(snapshot))
    follow()
    await eventually(() => updates.length === 1)
    server.cut()
    await eventually(() => server.opened.length === 2)

    expect(server.opened[1]).toContain('after=40')
  })

  it('takes a sign of life beyond its last seq for a gap', async () => {
    const run = new Execution()
    server.append(run.queued(), run.started())
    const beat = {
      ...run.queued(),
      seq: undefined,
      kind: 'snapshot',
      beat: true,
      as_of: 2,
      data: { status: 'running' },
    }
    let sockets = 0
    server.onSocket = (socket, query) => {
      sockets += 1
      if (sockets > 1) return server.replay(socket, Number(query.get('after')))
      socket.send(JSON.stringify(server.log[0]))
      socket.send(JSON.stringify(beat))
    }
    follow()
    await eventually(() => updates.length === 2)

    expect(seqs()).toEqual([1, 2])
  })

  it.each([
    [404, 'api/workflows/nightly_import', {}],
    [401, `api/executions/${EXECUTION}`, { execution: EXECUTION }],
    [403, 'api/workflows/nightly_import', {}],
  ])('stops with the reason where the server says %i', async (status, path, options) => {
    server.refuse = status
    server.answers.set(`/${path}`, { status, body: { status, code: 'x', detail: 'Because of this.' } })
    follow('nightly_import', options)
    await eventually(() => client.state.name === 'refused')

    expect(client.state).toEqual({ name: 'refused', reason: 'Because of this.', status })
    expect(server.opened).toEqual([])
  })

  it('keeps trying where only the socket is refused', async () => {
    server.refuse = 503
    server.answers.set('/api/workflows/nightly_import', { status: 200, body: {} })
    follow()
    await eventually(() => server.asked.length >= 3)

    expect(client.state.name).toBe('reconnecting')
  })

  it('hears nothing more after disconnect, and goes on where it was after connect', async () => {
    const run = new Execution()
    server.append(run.queued())
    follow()
    await eventually(() => updates.length === 1)
    client.disconnect()
    await eventually(() => server.sockets.length === 0)
    server.append(run.started(), run.log('missed'))
    expect(client.state.name).toBe('idle')
    client.connect()
    await eventually(() => updates.length === 3)

    expect(seqs()).toEqual([1, 2, 3])
  })
})

/** A socket that does what the test says; time stands still unless the test moves it. */
class FakeSocket implements Socket {
  static made: FakeSocket[] = []
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onclose: Socket['onclose'] = null
  onerror: Socket['onerror'] = null
  closed = false
  constructor(readonly address: string) {
    FakeSocket.made.push(this)
  }
  close(): void {
    this.closed = true
  }
  open(): void {
    this.onopen?.({} as never)
  }
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as never)
  }
  break(code = 1006, reason = ''): void {
    this.onclose?.({ code, reason } as never)
  }
}

describe('with time in hand', () => {
  let client: WorkflowWebSocketClient
  const updates: WorkflowExecutionUpdate[] = []

  beforeEach(() => {
    vi.useFakeTimers()
    FakeSocket.made = []
    updates.length = 0
    client = new WorkflowWebSocketClient('w', update => updates.push(update), undefined, {
      WebSocket: FakeSocket,
      fetch: () => Promise.reject(new TypeError('unreachable')),
      random: () => 0.999,
    })
    client.connect()
  })

  afterEach(() => {
    client.disconnect()
    vi.useRealTimers()
  })

  const socket = () => FakeSocket.made.at(-1) as FakeSocket

  it('opens on the page’s own origin, with the scheme that fits', () => {
    expect(socket().address).toBe('ws://localhost:3000/ws/workflow/w?beat=15')
  })

  it('keeps to the path prefix of the page', () => {
    document.head.innerHTML = '<base href="/team/headway/">'
    const prefixed = new WorkflowWebSocketClient('a b/c', () => {}, undefined, { WebSocket: FakeSocket })
    prefixed.connect()
    prefixed.disconnect()
    document.head.innerHTML = ''

    expect(socket().address).toBe('ws://localhost:3000/team/headway/ws/workflow/a%20b%2Fc?beat=15')
  })

  it('uses wss where the server is reached by https', () => {
    const secure = new WorkflowWebSocketClient('w', () => {}, undefined, {
      WebSocket: FakeSocket,
      base: 'https://example.org/x',
    })
    secure.connect()
    secure.disconnect()

    expect(socket().address).toBe('wss://example.org/x/ws/workflow/w?beat=15')
  })

  it('is stale after 25 s without a frame, and opens another socket', () => {
    const first = socket()
    first.open()
    const heard = Date.now()
    vi.advanceTimersByTime(STALE_MS - 1)
    expect(client.state.name).toBe('live')
    vi.advanceTimersByTime(1)

    expect(client.state).toEqual({ name: 'stale', since: heard })
    expect(first.closed).toBe(true)
    expect(FakeSocket.made).toHaveLength(2)
    socket().open()
    expect(client.state.name).toBe('live')
  })

  it('lets a sign of life count as life', () => {
    socket().open()
    for (let beat = 0; beat < 10; beat++) {
      vi.advanceTimersByTime(15_000)
      socket().say({ type: 'status', timestamp: 't', beat: true, as_of: 0, data: { status: 'running' } })
    }

    expect(client.state.name).toBe('live')
    expect(FakeSocket.made).toHaveLength(1)
  })

  it('waits longer after each failure, up to the cap', () => {
    const waits: number[] = []
    for (let failure = 0; failure < 9; failure++) {
      const made = FakeSocket.made.length
      socket().break()
      const from = Date.now()
      while (FakeSocket.made.length === made) vi.advanceTimersByTime(1)
      waits.push(Date.now() - from)
    }

    expect(waits).toEqual([250, 500, 999, 1_998, 3_996, 7_992, 14_985, 14_985, 14_985])
  })

  it('gives up a handshake that hangs', () => {
    vi.advanceTimersByTime(HANDSHAKE_MS)

    expect(FakeSocket.made[0]?.closed).toBe(true)
    expect(client.state.name).toBe('reconnecting')
  })

  it('is offline when the browser says so and back when it says so', () => {
    socket().open()
    window.dispatchEvent(new Event('offline'))
    expect(client.state.name).toBe('offline')
    window.dispatchEvent(new Event('online'))
    socket().open()

    expect(client.state.name).toBe('live')
  })

  it('does not believe a socket after the page slept', () => {
    const first = socket()
    first.open()
    vi.setSystemTime(Date.now() + STALE_MS)
    document.dispatchEvent(new Event('visibilitychange'))

    expect(first.closed).toBe(true)
    expect(FakeSocket.made).toHaveLength(2)
  })

  it('tries at once when told to', () => {
    socket().break()
    client.retryNow()

    expect(FakeSocket.made).toHaveLength(2)
  })

  it.each([1008, 4500, 4999])('stops where the server closes for good with %i', code => {
    socket().open()
    socket().break(code, 'not for you')
    vi.advanceTimersByTime(60_000)

    expect(client.state).toEqual({ name: 'refused', reason: 'not for you', status: null })
    expect(FakeSocket.made).toHaveLength(1)
  })

  it('counts up to the head it is told of, then is live', () => {
    const run = new Execution()
    socket().open()
    socket().say(run.queued())
    client.expectHead(EXECUTION, 3)
    expect(client.state).toEqual({ name: 'catching-up', done: 1, total: 3 })
    socket().say(run.started())
    socket().say(run.log('here'))

    expect(client.state).toEqual({ name: 'live' })
  })

  it('takes frames of a plain server, without seq, kind or ids', () => {
    socket().open()
    for (const frame of [
      { type: 'status', timestamp: 't', data: { status: 'running' } },
      { type: 'progress', timestamp: 't', data: { progress: 50, step: 'load' } },
      { type: 'complete', timestamp: 't', data: { status: 'completed' } },
    ])
      socket().say(frame)

    expect(updates.map(update => update.type)).toEqual(['status', 'progress', 'complete'])
    expect(client.state.name).toBe('ended')
  })
})
