import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeUpdate, type WorkflowExecutionUpdate } from './events'
import { absorb, applyUpdate, fold, initialState, MAX_STEPS, type State, stateFromJson } from './fold'

type Vector = {
  name: string
  execution_id: string
  workflow_id: string
  events: unknown[]
  state: unknown
}

const folder = join(import.meta.dirname, '../../../protocol/fixtures/fold')
const vectors = readdirSync(folder)
  .filter(file => file.endsWith('.json'))
  .map(file => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector)

function foldAll(state: State, events: unknown[]): State {
  for (const event of events) applyUpdate(state, decodeUpdate(event))
  return state
}

describe('the shared vectors', () => {
  it('are there', () => {
    expect(vectors.length).toBeGreaterThan(0)
  })

  it.each(vectors)('$name: folds to the state the server computes', vector => {
    const state = foldAll(initialState(vector.execution_id, vector.workflow_id), vector.events)
    expect(state).toEqual(stateFromJson(vector.state))
  })

  it.each(vectors)('$name: a snapshot at any seq and the rest of the log give the same state', vector => {
    const whole = foldAll(initialState(vector.execution_id, vector.workflow_id), vector.events)
    const stride = Math.ceil(vector.events.length / 50)
    for (let cut = 0; cut <= vector.events.length; cut += stride) {
      const state = foldAll(
        initialState(vector.execution_id, vector.workflow_id),
        vector.events.slice(0, cut),
      )
      expect(foldAll(state, vector.events)).toEqual(whole)
    }
  })
})

describe('fold', () => {
  const event = (seq: number, kind: string, data: object): WorkflowExecutionUpdate =>
    decodeUpdate({ seq, kind, type: 'status', timestamp: '2026-11-22T21:30:00.000000Z', data })

  it('leaves the state it was given as it was', () => {
    const before = initialState('E', 'w')
    const after = fold(before, event(1, 'step.started', { step: 'a', step_id: 'a#1' }))

    expect(before).toEqual(initialState('E', 'w'))
    expect(after.steps.get('a#1')?.status).toBe('running')
  })

  it('counts an event of an unknown kind and reads what every viewer may read', () => {
    const state = fold(
      initialState('E', 'w'),
      event(1, 'step.teleported', { progress: 40, message: 'beamed' }),
    )

    expect(state).toMatchObject({ seq: 1, progress: 40, message: 'beamed', closed: false })
    expect(state.counts.events).toBe(1)
  })

  it('ends on a plain complete frame without seq or kind', () => {
    const update = decodeUpdate({ type: 'complete', timestamp: 't', data: { status: 'completed' } })
    const state = fold(initialState('', 'w'), update)

    expect(state).toMatchObject({ status: 'completed', progress: 100, closed: true, ended_at: 't' })
    expect(fold(state, event(9, 'log', { message: 'late' }))).toEqual(state)
  })

  it('never holds more steps than the limit', () => {
    const state = initialState('E', 'w')
    for (let n = 1; n <= MAX_STEPS + 5; n++)
      applyUpdate(state, event(n, 'step.started', { step: 's', step_id: `s#${n}` }))

    expect(state.steps.size).toBe(MAX_STEPS)
    expect(state.counts.steps).toBe(MAX_STEPS + 5)
  })
})

describe('a frame that leaves events out', () => {
  type Conflated = {
    name: string
    kept: string[]
    lines: string[]
    cf: { events: number; logs: number; errors: number } | null
    state: unknown
  }
  const vectors = JSON.parse(readFileSync(join(folder, '../conflation.json'), 'utf8')) as Conflated[]
  const updates = (lines: string[]) => lines.map(line => decodeUpdate(JSON.parse(line)))

  it.each(vectors.map(vector => [vector.name, vector] as const))(
    'folds as all of them do: %s',
    (_, vector) => {
      const state = initialState('x', 'w')
      if (vector.cf) absorb(state, vector.cf)
      for (const update of updates(vector.kept)) applyUpdate(state, update)
      const all = initialState('x', 'w')
      for (const update of updates(vector.lines)) applyUpdate(all, update)

      expect(state).toEqual(all)
      expect(state).toEqual(stateFromJson(vector.state))
    },
  )

  it('changes nothing after the end', () => {
    const state = { ...initialState('x', 'w'), closed: true }
    absorb(state, { events: 3, logs: 2, errors: 1 })

    expect(state.counts.events).toBe(0)
  })
})
