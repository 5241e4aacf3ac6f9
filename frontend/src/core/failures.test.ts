import { describe, expect, it } from 'vitest'
import { Execution } from '../../test/builders'
import { ChunkedLog } from './chunks'
import { decodeUpdate } from './events'
import { decisive, failuresOf, lineOfFailure } from './failures'
import { ExecutionStore } from './store'

type Frame = ReturnType<Execution['event']>

/** A clock by which whatever waits is due at once. */
function stepping() {
  let now = 0
  return {
    now: () => now,
    later: (callback: () => void, ms: number) => {
      now += ms
      callback()
    },
  }
}

function storeOf(...frames: Frame[]) {
  const store = new ExecutionStore('nightly_import', stepping())
  for (const frame of frames) store.apply(decodeUpdate(frame))
  const [{ history }, summary] = [store.get('history'), store.get('summary')]
  return { failures: failuresOf(history, summary), summary }
}

const run = () => new Execution()
const failed = (execution: Execution, id: string, error: string) =>
  execution.event('step.failed', {
    step: id.split('#')[0],
    step_id: id,
    message: error,
    error,
    traceback: `of ${id}`,
    input: `{"id":"${id}"}`,
  })
const begun = (execution: Execution, id: string, parent?: string) =>
  execution.event('step.started', { step: id.split('#')[0], step_id: id, ...(parent ? { parent } : {}) })

describe('failures', () => {
  it('come in their order; a group is left to its item, and the reader begins where it ended', () => {
    const e = run()
    const { failures, summary } = storeOf(
      e.queued(),
      e.started(),
      begun(e, 'load#1'),
      begun(e, 'load#2', 'load#1'),
      begun(e, 'load#3', 'load#1'),
      failed(e, 'load#3', 'E: three'),
      failed(e, 'load#2', 'E: two'),
      failed(e, 'load#1', 'E: two'),
      e.failed('E: two', { step: 'load', step_id: 'load#2', traceback: 'the whole way' }),
    )
    expect(failures.map(({ stepId, traceback }) => [stepId, traceback])).toEqual([
      ['load#3', 'of load#3'],
      ['load#2', 'the whole way'],
    ])
    expect(decisive(failures, summary)).toBe(1)
    expect(failures[0]).toMatchObject({
      error: 'E: three',
      attempt: 1,
      tookMs: 1_000,
      input: '{"id":"load#3"}',
    })
  })

  it('of steps that the workflow got over are there too', () => {
    const e = run()
    const { failures } = storeOf(e.started(), begun(e, 'a#1'), failed(e, 'a#1', 'E: a'), e.completed())
    expect(failures.map(({ stepId }) => stepId)).toEqual(['a#1'])
  })

  it('of the body itself has no step', () => {
    const e = run()
    const { failures, summary } = storeOf(
      e.queued(),
      e.started(),
      e.failed('ValueError: no', { traceback: 't' }),
    )
    expect(failures).toEqual([
      {
        stepId: null,
        name: 'nightly_import',
        error: 'ValueError: no',
        traceback: 't',
        attempt: 1,
        tookMs: null,
        input: null,
        lastLines: [],
      },
    ])
    expect(decisive(failures, summary)).toBe(0)
  })

  it('are none where nothing failed', () => {
    expect(storeOf(run().started()).failures).toEqual([])
  })
})

describe('the line of a failure', () => {
  const said = (...lines: [step: string | null, level: number][]) => {
    const log = new ChunkedLog()
    for (const [step, level] of lines) log.push({ text: 'said', level, time: 0, step, gap: false })
    return log
  }

  it('is the last error of the step', () => {
    const log = said(['load#1', 3], ['load#2', 1], ['load#2', 3], ['load#1', 3], ['load#2', 1])
    expect(lineOfFailure(log, 'load#2')).toBe(3)
  })

  it('is its last line where it logged no error, and none where it logged nothing', () => {
    const log = said(['load#2', 1], ['load#2', 2], [null, 3])
    expect([lineOfFailure(log, 'load#2'), lineOfFailure(log, 'load#3')]).toEqual([2, null])
  })

  it('is counted from the first line of the log, though its beginning is not held', () => {
    const log = new ChunkedLog()
    log.begin(10_000)
    log.push({ text: 'no', level: 3, time: 0, step: 'load#1', gap: false })
    expect(lineOfFailure(log, 'load#1')).toBe(10_001)
  })
})
