import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EXECUTION, Execution, OTHER_EXECUTION } from '../../test/builders'
import { eventually } from '../../test/eventually'
import { FeedServer } from '../../test/feedServer'
import { ModelLog } from '../../test/modelServer'
import { type RichFeed, speakRich } from '../../test/speakRich'
import type { ExecutionResult } from '../core/events'
import type { SliceName, Slices } from '../core/store'
import { ExecutionFeed, type FeedOptions, TAIL_LINES, WHOLE_UPTO } from './executionFeed'

let server: FeedServer
let log: ModelLog | null
let rich: RichFeed
let feed: ExecutionFeed
let results: ExecutionResult[]
let errors: Error[]

beforeEach(async () => {
  server = await FeedServer.start()
  log = new ModelLog(EXECUTION, 'nightly_import')
  rich = speakRich(server, () => log)
  results = []
  errors = []
})

afterEach(async () => {
  feed.stop()
  await server.stop()
})

function follow(options: FeedOptions = {}): ExecutionFeed {
  feed = new ExecutionFeed('nightly_import', {
    apiBase: server.base,
    random: () => 0.01,
    onComplete: result => results.push(result),
    onError: error => errors.push(error),
    ...options,
  })
  feed.start()
  return feed
}

/** A log of so many events, the last few of which are lines. */
function grow(size: number, run = new Execution()): void {
  log?.append(run.queued())
  while ((log?.lastSeq ?? size) < size) log?.append(run.log(`line ${log.lastSeq + 1}`))
}

/** What a page would show now, without waiting for it to be painted. */
function shown<Name extends SliceName>(name: Name): Slices[Name] {
  feed.store.flush()
  return feed.store.get(name)
}

const summary = () => shown('summary')
const stateName = () => shown('connection').state.name
const rows = () => {
  const { log: lines } = shown('log')
  return Array.from({ length: lines.count }, (_, index) => lines.line(index))
}
/** Of the lines that are held. */
const texts = () => rows().flatMap(line => (line.missing ? [] : [line.text]))
const isAtHead = () => feed.store.lastSeq === log?.lastSeq

describe('in rich mode', () => {
  it('takes a short execution whole, and checks each event of it', async () => {
    grow(40)
    log?.append(new Execution().completed({ rows: 3 }))
    follow()
    await eventually(() => results.length === 1 && summary().closed)

    expect(results[0]).toMatchObject({ execution_id: EXECUTION, status: 'completed', output: { rows: 3 } })
    expect(summary()).toMatchObject({ lastSeq: 41, verifiedFrom: 0, counts: { events: 41 } })
    expect(texts()).toHaveLength(39)
  })

  it('takes the state and the last lines of a long one, in at most 256 KiB', async () => {
    grow(WHOLE_UPTO + 3_000)
    log?.append(new Execution().failed('KeyError'))
    follow({ executionId: EXECUTION })
    await eventually(() => results.length === 1)

    expect(results[0]).toMatchObject({ status: 'failed', error: 'KeyError' })
    expect(rich.sentBytes).toBeLessThan(256 * 1_024)
    expect(texts()).toHaveLength(TAIL_LINES)
    expect(rows().find(line => !line.missing)?.number).toBe(WHOLE_UPTO + 3_000 - TAIL_LINES)
    expect(rows()).toHaveLength(WHOLE_UPTO + 2_999)
    expect(summary().counts).toMatchObject({ events: WHOLE_UPTO + 3_001, logs: WHOLE_UPTO + 2_999 })
    expect(stateName()).toBe('ended')
    expect(server.asked).toEqual([])
  })

  it('goes on after the last event when it is cut, and repeats and loses nothing', async () => {
    grow(20)
    follow()
    await eventually(isAtHead)
    for (let cut = 0; cut < 5; cut++) {
      server.cut()
      log?.append(new Execution().log(`while away ${cut}`))
      await eventually(isAtHead)
    }

    expect(texts().slice(-5)).toEqual([0, 1, 2, 3, 4].map(cut => `while away ${cut}`))
    expect(summary()).toMatchObject({ verifiedFrom: 0, resetBy: null })
  })

  it('sees an execution from its start where it was there before', async () => {
    const later = log
    log = null
    follow()
    await eventually(() => rich.connections.length === 1 && stateName() === 'live')
    expect(summary().execution_id).toBe('')
    log = later
    grow(3)
    rich.publish()
    await eventually(isAtHead)

    expect(summary()).toMatchObject({ execution_id: EXECUTION, verifiedFrom: 0 })
  })

  it('says why what it showed had to go, and shows what there is', async () => {
    grow(30)
    follow()
    await eventually(isAtHead)
    log = (log as ModelLog).copy(10)
    log.append(new Execution().log('another history'))
    rich.publish()
    await eventually(() => summary().resetBy !== null && isAtHead())

    expect(summary().resetBy).toBe('ahead')
    await eventually(() => stateName() === 'live')
    expect(texts().at(-1)).toBe('another history')
    expect(errors).toEqual([])
  })

  it('shows how far it has caught up', async () => {
    server.onSocket = socket => {
      const told = {
        t: 'sub_ok',
        x: 'nightly_import',
        result: 'snapshot',
        execution_id: EXECUTION,
        head: 900,
      }
      for (const frame of [{ t: 'welcome', limits: {} }, told]) socket.send(JSON.stringify(frame))
    }
    follow()
    await eventually(() => stateName() === 'catching-up')

    expect(shown('connection').state).toEqual({ name: 'catching-up', done: 0, total: 900 })
  })

  it('moves to another connection when the server drains, before the first one ends', async () => {
    grow(20)
    follow()
    await eventually(isAtHead)
    rich.connections[0]?.drain(0, 0.01)
    await eventually(() => server.opened.length === 2 && server.sockets.length === 1)
    log?.append(new Execution().log('after the move'))
    rich.publish()
    await eventually(isAtHead)

    expect(texts().at(-1)).toBe('after the move')
    expect(texts()).toHaveLength(20)
    expect(stateName()).toBe('live')
  })

  it('reads no further where a frame cannot be inflated: it says so, and resumes on another connection', async () => {
    grow(20)
    follow()
    await eventually(isAtHead)
    const [broken] = server.sockets
    broken?.send(Buffer.from([0, 0, 0, 9, 0xab, 0]), { binary: true }) // of a dictionary that was not given
    broken?.send(JSON.stringify({ t: 'sub_ok', x: 'nightly_import', result: 'waiting' }))
    log?.append(new Execution().log('after it'))
    await eventually(() => rich.connections.length === 2 && isAtHead())

    expect(errors.map(error => error.message)).toEqual(['dictionary 9 was not given'])
    expect(server.sockets).toHaveLength(1)
    expect(texts().at(-1)).toBe('after it')
    expect(summary()).toMatchObject({ verifiedFrom: 0, resetBy: null })
  })

  it('gives up a connection that it was to move to where a frame of that cannot be inflated', async () => {
    grow(20)
    follow()
    await eventually(isAtHead)
    const speak = server.onSocket
    let broken = 0
    server.onSocket = (socket, query) => {
      if (broken++ === 0) socket.send(Buffer.from([0, 0, 0, 9, 0xab, 0]), { binary: true })
      else speak(socket, query)
    }
    rich.connections[0]?.drain(0, 0.01)
    await eventually(() => broken === 1 && errors.length === 1 && server.sockets.length === 1)
    log?.append(new Execution().log('meanwhile'))
    rich.publish()
    await eventually(isAtHead)

    expect(texts().at(-1)).toBe('meanwhile')
    await eventually(() => rich.connections.length === 2 && server.sockets.length === 1)
    expect(stateName()).toBe('live')
    expect(errors).toHaveLength(1)
  })

  it('comes back to a server that restarts spread over the time it asked for', async () => {
    server.onSocket = socket => {
      socket.send(JSON.stringify({ t: 'welcome', limits: {}, jitter: 8_000 }))
      socket.close(1012)
    }
    follow({ now: () => 1_000_000, random: () => 0.5 })
    await eventually(() => stateName() === 'reconnecting')

    expect(shown('connection').state).toMatchObject({ until: 1_004_000 })
  })

  it('stops with the reason where there is no such execution', async () => {
    server.onSocket = socket => {
      const refusal = {
        t: 'err',
        x: EXECUTION,
        code: 'execution_not_found',
        msg: 'No execution has this id.',
      }
      socket.send(JSON.stringify({ t: 'welcome', limits: {} }))
      socket.send(JSON.stringify(refusal))
    }
    follow({ executionId: EXECUTION })
    await eventually(() => stateName() === 'refused')

    expect(shown('connection').state).toMatchObject({
      reason: 'No execution has this id.',
      status: 404,
    })
  })

  it('follows the next execution of the workflow from its start', async () => {
    grow(5)
    log?.append(new Execution().completed())
    follow()
    await eventually(() => results.length === 1)
    log = new ModelLog(OTHER_EXECUTION, 'nightly_import')
    grow(3)
    rich.publish()
    await eventually(() => summary().execution_id === OTHER_EXECUTION && isAtHead())

    expect(stateName()).toBe('live')
    expect(results).toHaveLength(1)
  })
})

describe('where the server speaks simple mode', () => {
  beforeEach(() => {
    const run = new Execution()
    server.onSocket = (socket, query) => server.replay(socket, Number(query.get('after') ?? 0))
    server.append(run.queued(), run.log('one'))
  })

  it('follows that, though the server seems to take the subprotocol', async () => {
    follow()
    await eventually(() => feed.store.lastSeq === 2)
    server.cut()
    await eventually(() => server.opened.length === 2)
    server.append({ ...new Execution().log('two'), seq: 3 })
    await eventually(() => feed.store.lastSeq === 3)

    expect(texts()).toEqual(['one', 'two'])
    expect(server.opened[1]).toContain(`execution=${EXECUTION}&after=2`)
    expect(summary().verifiedFrom).toBeNull()
    expect(errors).toEqual([])
  })

  it('offers none where a handshake with a subprotocol fails', async () => {
    server.plainOnly = true
    follow()
    await eventually(() => feed.store.lastSeq === 2)

    expect(stateName()).toBe('live')
    expect(server.asked).toEqual([])
  })

  it('takes over the state of a folded frame that says the log could not be continued', async () => {
    follow()
    await eventually(() => feed.store.lastSeq === 2)
    const state = { execution_id: EXECUTION, workflow_id: 'nightly_import', seq: 1, progress: 0 }
    const folded = { kind: 'snapshot', type: 'status', timestamp: 't', snapshot: true, as_of: 1, state }
    for (const socket of server.sockets)
      socket.send(JSON.stringify({ execution_id: EXECUTION, ...folded, data: { status: 'running' } }))
    await eventually(() => feed.store.lastSeq === 1)

    expect(texts()).toEqual([])
  })
})
