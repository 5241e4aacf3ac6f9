import { describe, expect, it } from 'vitest'
import { Execution } from '../../test/builders'
import { decodeUpdate } from './events'
import { initialState } from './fold'
import { ExecutionStore, FLUSH_MS, type FlushClock, HISTORY_MS } from './store'

class FakeClock implements FlushClock {
  time = 0
  #due: { callback: () => void; at: number }[] = []
  now(): number {
    return this.time
  }
  later(callback: () => void, ms: number): void {
    this.#due.push({ callback, at: this.time + ms })
  }
  advance(ms: number): void {
    this.time += ms
    const due = this.#due.filter(each => each.at <= this.time)
    this.#due = this.#due.filter(each => each.at > this.time)
    for (const { callback } of due) callback()
  }
}

function aStore() {
  const clock = new FakeClock()
  const store = new ExecutionStore('nightly_import', clock)
  const run = new Execution()
  const apply = (...frames: object[]) => {
    for (const frame of frames) store.apply(decodeUpdate(frame))
  }
  return { clock, store, run, apply }
}

describe('ExecutionStore', () => {
  it('shows the first change after a quiet moment at once, and later ones together', () => {
    const { clock, store, run, apply } = aStore()
    let told = 0
    store.subscribe('summary', () => {
      told += 1
    })
    apply(run.queued())
    expect(told).toBe(1)
    for (let n = 0; n < 500; n++) apply(run.log(`line ${n}`))
    expect(told).toBe(1)
    clock.advance(FLUSH_MS)

    expect(told).toBe(2)
    expect(store.get('log').lines).toBe(500)
  })

  it('flushes at most 20 times a second under load', () => {
    const { clock, store, run, apply } = aStore()
    let told = 0
    store.subscribe('summary', () => {
      told += 1
    })
    for (let ms = 0; ms < 1_000; ms++) {
      apply(run.log('x'))
      clock.advance(1)
    }
    expect(told).toBeLessThanOrEqual(21)
    expect(told).toBeGreaterThanOrEqual(19)
  })

  it('tells of the history less often under load, and of its last change all the same', () => {
    const { clock, store, run, apply } = aStore()
    apply(run.queued(), run.started(), run.step('load'))
    clock.advance(1_000)
    const told = { history: 0, log: 0 }
    store.subscribe('history', () => {
      told.history += 1
    })
    store.subscribe('log', () => {
      told.log += 1
    })
    for (let done = 1; done <= 600; done++) {
      apply(run.progressed('load', done, 600, 10), run.log('x'))
      clock.advance(1)
    }
    expect(told.log).toBeGreaterThanOrEqual(600 / FLUSH_MS - 1)
    expect(told.history).toBeLessThanOrEqual(600 / HISTORY_MS + 1)

    for (let ms = 0; ms < HISTORY_MS + FLUSH_MS; ms++) clock.advance(1)
    const { history, version } = store.get('history')
    expect(version).toBe(history.version)
  })

  it('shows the end of an execution with all its steps at once', () => {
    const { clock, store, run, apply } = aStore()
    apply(run.queued(), run.started(), run.step('load'))
    clock.advance(FLUSH_MS)
    apply(run.completed())
    clock.advance(FLUSH_MS)

    expect(store.get('summary').closed).toBe(true)
    expect(store.get('history').version).toBe(store.get('history').history.version)
  })

  it('gives the same object while a slice is unchanged, and only tells those who listen to it', () => {
    const { clock, store, run, apply } = aStore()
    apply(run.queued(), run.started(), run.step('fetch'))
    clock.advance(FLUSH_MS)
    const [steps, summary] = [store.get('steps'), store.get('summary')]
    let told = 0
    store.subscribe('steps', () => {
      told += 1
    })
    apply(run.log('nothing to do with steps'))
    clock.advance(FLUSH_MS)

    expect(store.get('steps')).toBe(steps)
    expect(store.get('summary')).not.toBe(summary)
    expect(told).toBe(0)
  })

  it('copies only the steps that changed', () => {
    const { clock, store, run, apply } = aStore()
    apply(run.queued(), run.started(), run.step('a'), run.step('b'))
    clock.advance(FLUSH_MS)
    const [a, b] = store.get('steps')
    apply(run.progressed('b', 1, 2, 10))
    clock.advance(FLUSH_MS)

    expect(store.get('steps')[0]).toBe(a)
    expect(store.get('steps')[1]).not.toBe(b)
    expect(b?.done).toBeNull()
  })

  it('gives what is waited for, asked and requested as values that later events leave alone', () => {
    const { clock, store, run, apply } = aStore()
    apply(run.queued(), run.started(), run.asked('Release?'), run.control('requested', { by: 'ada' }))
    apply(run.event('wait.started', { wait_id: 'signal#1', wait: 'signal', name: 'go' }))
    clock.advance(FLUSH_MS)
    const before = store.get('controls')
    apply(run.log('nothing to do with it'))
    clock.advance(FLUSH_MS)
    expect(store.get('controls')).toBe(before)
    apply(run.answered(true, { by: 'bob' }), run.control('delivered'), run.cancelled())
    clock.advance(FLUSH_MS)

    expect(before.approvals).toMatchObject([{ status: 'open', by: null }])
    expect(before.waits).toMatchObject([{ name: 'go' }])
    expect(before.receipts).toMatchObject([{ by: 'ada', stage: 'requested', delivered_at: null }])
    const after = store.get('controls')
    expect(after.approvals).toMatchObject([{ status: 'answered', by: 'bob' }])
    expect(after.waits).toEqual([])
    expect(after.receipts).toMatchObject([{ stage: 'delivered' }])
  })

  it('a second socket on the same store repeats nothing', () => {
    const { clock, store, run, apply } = aStore()
    const frames = [run.queued(), run.log('once'), run.log('twice')]
    apply(...frames, ...frames)
    clock.advance(FLUSH_MS)

    expect(store.get('log').lines).toBe(2)
    expect(store.get('summary').counts.events).toBe(3)
  })

  it('makes a row of each line of a message', () => {
    const { clock, store, run, apply } = aStore()
    apply(run.log('Traceback:\n  File "x.py"\nKeyError', 'ERROR'))
    clock.advance(FLUSH_MS)
    const { log, lines } = store.get('log')

    expect([lines, log.count]).toEqual([1, 3])
    expect(log.line(1)).toMatchObject({ number: 1, row: 1, text: '  File "x.py"', level: 3 })
  })

  it('begins at a snapshot, with the log lines before it in their places', () => {
    const { clock, store, run } = aStore()
    const counts = { ...initialState('E', 'w').counts, events: 10, logs: 7 }
    const state = { ...initialState('E', 'w'), seq: 10, progress: 50, counts }
    const logs = [run.log('sixth'), run.log('seventh')].map(decodeUpdate)
    store.adopt({ state, logs, cursor: { epoch: '9f3a01bc', seq: 10, tag: 1 } })
    clock.advance(FLUSH_MS)

    expect(store.held).toEqual({ executionId: 'E', cursor: { epoch: '9f3a01bc', seq: 10, tag: 1 } })
    expect(store.get('log').lines).toBe(7)
    expect(store.get('log').log.line(4).missing).toBe('loading')
    expect(store.get('log').log.line(5)).toMatchObject({ number: 6, text: 'sixth' })
    expect(store.get('summary')).toMatchObject({
      ...{ progress: 50, lastSeq: 10, verifiedFrom: 10, resetBy: null },
      counts: { logs: 7 },
    })
  })

  it('follows frames: all they cover counts, and the cursor is where they end', () => {
    const { clock, store, run } = aStore()
    const cursor = { epoch: '9f3a01bc', seq: 0, tag: 1 }
    store.adopt({ state: initialState('E', 'w'), cursor, why: 'fork' })
    store.follow({ events: [run.queued(), run.started()].map(decodeUpdate), cursor: { ...cursor, seq: 2 } })
    const progress = { progress: 40, step: 'load', step_id: 'load#1' }
    const last = { ...run.event('step.progressed', progress), seq: 9 }
    const leftOut = { events: 6, logs: 5, errors: 1 }
    store.follow({ events: [decodeUpdate(last)], cursor: { ...cursor, seq: 9 }, leftOut })
    clock.advance(FLUSH_MS)

    expect(store.held.cursor?.seq).toBe(9)
    expect(store.get('summary')).toMatchObject({
      ...{ progress: 40, lastSeq: 9, verifiedFrom: 9, resetBy: 'fork' },
      counts: { events: 9, logs: 5, errors: 1 },
    })
    expect(store.get('log').lines).toBe(5)
  })

  it('says where the log ends once it is closed and that is proven', () => {
    const { store, run } = aStore()
    const cursor = { epoch: '9f3a01bc', seq: 0, tag: 1 }
    store.adopt({ state: initialState('E', 'w'), cursor })
    store.follow({ events: [run.queued()].map(decodeUpdate), cursor: { ...cursor, seq: 1 } })
    store.flush()
    expect(store.get('log').end).toBeNull()
    store.follow({ events: [run.completed()].map(decodeUpdate), cursor: { ...cursor, seq: 2 } })
    store.flush()
    expect(store.get('log').end).toBe('9f3a01bc.2.00000001')
  })

  it('begins anew with another execution', () => {
    const { clock, store, run, apply } = aStore()
    apply(run.queued(), run.log('old'), run.step('a'))
    store.reset('NEW', 'w')
    clock.advance(FLUSH_MS)

    expect(store.get('history').history.tracks.size).toBe(0)
    expect(store.get('log').lines).toBe(0)
    expect(store.get('steps')).toEqual([])
    expect(store.get('summary')).toMatchObject({ execution_id: 'NEW', seq: 0 })
  })
})
