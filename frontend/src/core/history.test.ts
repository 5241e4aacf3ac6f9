import { describe, expect, it } from 'vitest'
import { Execution } from '../../test/builders'
import { decodeUpdate, type WorkflowExecutionUpdate } from './events'
import { applyUpdate, initialState } from './fold'
import { ExecutionHistory, type Track } from './history'

type Frame = ReturnType<Execution['event']>

/** The builder's clock: event n happens at second n. */
const second = (n: number) => Date.UTC(2026, 10, 22, 21, 30, n)

function historyOf(...frames: Frame[]): ExecutionHistory {
  const history = new ExecutionHistory()
  for (const frame of frames) history.apply(decodeUpdate(frame))
  return history
}

function track(history: ExecutionHistory, id: string): Track {
  const found = history.tracks.get(id)
  if (!found) throw new Error(`no track ${id}`)
  return found
}

const spans = (history: ExecutionHistory, id: string) =>
  track(history, id).spans.map(({ kind, from, to, status }) => ({ kind, from, to, status }))

describe('steps', () => {
  it('draws each attempt, and the wait before the next, as a span of its own', () => {
    const run = new Execution()
    const named = { step: 'load', step_id: 'load#1' }
    const retrying = { ...named, attempt: 1, max_attempts: 3, backoff_s: 2, message: 'm', error: 'E: one' }
    const history = historyOf(
      run.step('load'),
      run.event('step.retrying', { ...retrying, traceback: 'where' }),
      run.step('load', { attempt: 2 }),
      run.event('step.failed', {
        ...named,
        ...{ attempt: 2, message: 'm', error: 'E: two', traceback: 'there', input: '{"row":4112}' },
      }),
    )

    expect(spans(history, 'load#1')).toEqual([
      { kind: 'attempt', from: second(1), to: second(2), status: 'failed' },
      { kind: 'backoff', from: second(2), to: second(3), status: 'completed' },
      { kind: 'attempt', from: second(3), to: second(4), status: 'failed' },
    ])
    expect(track(history, 'load#1')).toMatchObject({
      ...{ status: 'failed', attempt: 2, traceback: 'there', input: '{"row":4112}' },
    })
    expect(track(history, 'load#1').spans.map(span => span.note)).toEqual([
      'E: one',
      'tries again in 2.0 s',
      'E: two',
    ])
  })

  it('ends what ran on a lost worker where the next one takes over', () => {
    const run = new Execution()
    const history = historyOf(
      run.step('load'),
      run.event('execution.resumed', { attempt: 2, worker: 'w2' }),
      run.step('load', { attempt: 2 }),
    )

    expect(spans(history, 'load#1')).toEqual([
      { kind: 'attempt', from: second(1), to: second(2), status: 'lost' },
      { kind: 'attempt', from: second(3), to: null, status: 'running' },
    ])
  })

  it('counts no try of what was only taken over from another execution', () => {
    const run = new Execution()
    const group = { step: 'load', step_id: 'load[]#1', total: 2 }
    const history = historyOf(
      run.queued(),
      run.event('step.started', group),
      run.event('step.started', { step: 'load', step_id: 'load#1', parent: 'load[]#1' }),
      run.event('step.completed', { step: 'load', step_id: 'load#1', reused: true }),
      run.started(),
      run.event('step.started', group),
    )

    expect(spans(history, 'load[]#1')).toEqual([
      { kind: 'attempt', from: second(6), to: null, status: 'running' },
    ])
    expect(spans(history, 'load#1').map(({ status }) => status)).toEqual(['reused'])
  })

  it('tells a result that was taken over from one that was made here', () => {
    const run = new Execution()
    const history = historyOf(run.event('step.completed', { step: 'load', step_id: 'load#1', reused: true }))
    expect(spans(history, 'load#1')).toEqual([
      { kind: 'attempt', from: second(1), to: second(1), status: 'reused' },
    ])
    expect(track(history, 'load#1').status).toBe('completed')
  })

  it('keeps the last lines of a step that fails, and of no other', () => {
    const run = new Execution()
    const line = (step: string, n: number) =>
      run.event('log', { message: `${step} line ${n}`, step, step_id: `${step}#1` })
    const lines = Array.from({ length: 25 }, (_, n) => [line('load', n), line('mend', n)]).flat()
    const failed = { step: 'load', step_id: 'load#1', message: 'm', error: 'E' }
    const history = historyOf(
      run.step('load'),
      run.step('mend'),
      ...lines,
      run.stepCompleted('mend', 50),
      run.event('step.failed', failed),
    )
    expect(track(history, 'load#1').lastLines).toEqual(
      Array.from({ length: 20 }, (_, n) => `load line ${n + 5}`),
    )
    expect(track(history, 'mend#1').lastLines).toEqual([])
  })

  it('leaves nothing open behind the end', () => {
    const run = new Execution()
    const history = historyOf(run.step('load'), run.asked('Go?'), run.cancelled())
    for (const { ended, status, spans } of history.tracks.values()) {
      expect({ ended, status }).toEqual({ ended: second(3), status: 'cancelled' })
      expect(spans.every(span => span.to !== null)).toBe(true)
    }
    expect(history.endedAt).toBe(second(3))
  })
})

it('tells steps that log from groups, waits and what is only planned', () => {
  const run = new Execution()
  const history = historyOf(
    run.step('load'),
    run.event('step.started', { step: 'load', step_id: 'load#2', parent: 'load#1' }),
    run.asked('Go?'),
  )
  expect(['load#1', 'load#2', 'approval:release#1', 'planned:report'].map(id => history.logs(id))).toEqual([
    false,
    true,
    false,
    false,
  ])
})

describe('waits', () => {
  it('gives a wait of the body a row of its own, and one of a step a span in its row', () => {
    const run = new Execution()
    const wait = { wait_id: 'sleep#1', wait: 'timer', message: 'waits 2 s' }
    const history = historyOf(
      run.event('wait.started', wait),
      run.event('wait.ended', { ...wait, outcome: 'elapsed' }),
      run.step('publish'),
      run.asked('Publish it?', { step_id: 'publish#1' }),
      run.answered(false),
    )

    expect(track(history, 'wait:sleep#1')).toMatchObject({ name: 'waits 2 s', status: 'completed' })
    expect(spans(history, 'publish#1')).toEqual([
      { kind: 'attempt', from: second(3), to: null, status: 'running' },
      { kind: 'approval', from: second(4), to: second(5), status: 'skipped' },
    ])
    expect(track(history, 'publish#1').ended).toBeNull()
  })
})

describe('a snapshot', () => {
  const run = new Execution()
  const frames = [
    run.queued(),
    run.started(),
    run.step('load'),
    run.stepCompleted('load', 50),
    run.step('mend'),
  ]
  const updates: WorkflowExecutionUpdate[] = frames.map(frame => decodeUpdate(frame))
  const state = initialState('e', 'w')
  for (const update of updates) applyUpdate(state, update)

  it('sketches what came before the page', () => {
    const history = new ExecutionHistory(state)
    expect(spans(history, 'load#1')).toEqual([
      { kind: 'attempt', from: second(3), to: second(4), status: 'completed' },
    ])
    expect(spans(history, 'mend#1')).toEqual([
      { kind: 'attempt', from: second(5), to: null, status: 'running' },
    ])
    expect(history.startedAt).toBe(second(2))
  })

  it('knows what is waited for', () => {
    const asked = new Execution()
    const waiting = initialState('e', 'w')
    const frames = [
      asked.started(),
      asked.asked('Go?'),
      asked.answered(true),
      asked.asked('Really?', { approval_id: 'r#2' }),
    ]
    for (const frame of frames) applyUpdate(waiting, decodeUpdate(frame))
    const history = new ExecutionHistory(waiting)
    history.apply(decodeUpdate(asked.answered(false, { approval_id: 'r#2' })))
    expect([...history.tracks.values()].map(({ name, status, ended }) => [name, status, ended])).toEqual([
      ['Go?', 'completed', second(3)],
      ['Really?', 'skipped', second(5)],
    ])
  })

  it('is filled in by what came before it, and keeps what came after', () => {
    const history = new ExecutionHistory(state)
    expect(history.isSketchy).toBe(true)
    const later = [run.event('step.completed', { step: 'mend', step_id: 'mend#1' }), run.step('report')]
    for (const frame of later) history.apply(decodeUpdate(frame))
    history.absorb(historyOf(...frames))
    const seen = historyOf(...frames, ...later)
    expect([...history.tracks.keys()]).toEqual([...seen.tracks.keys()])
    for (const id of seen.tracks.keys()) expect(spans(history, id)).toEqual(spans(seen, id))
    expect(history.isSketchy).toBe(false)
    history.apply(
      decodeUpdate(
        run.event('step.failed', { step: 'report', step_id: 'report#1', message: 'm', error: 'E' }),
      ),
    )
    expect(track(history, 'report#1').status).toBe('failed')
  })

  it('gives way to the events themselves where they come again', () => {
    const history = new ExecutionHistory(state)
    for (const update of updates) history.apply(update)
    const seen = historyOf(...frames)
    for (const id of ['load#1', 'mend#1']) expect(spans(history, id)).toEqual(spans(seen, id))
  })
})

it('forgets the oldest that have ended, and counts them', () => {
  const most = 20
  const history = new ExecutionHistory(undefined, most)
  const run = new Execution()
  const count = most + 5
  for (let n = 1; n <= count; n++) {
    const named = { step: 'load', step_id: `load#${n}` }
    history.apply(decodeUpdate({ ...run.event('step.started', named), timestamp: '2026-11-22T21:30:00Z' }))
    history.apply(decodeUpdate({ ...run.event('step.completed', named), timestamp: '2026-11-22T21:30:01Z' }))
  }
  expect(history.tracks.size).toBe(most)
  expect(history.forgotten).toBe(5)
  expect(history.tracks.has('load#5')).toBe(false)
  expect(history.tracks.has(`load#${count}`)).toBe(true)
})
