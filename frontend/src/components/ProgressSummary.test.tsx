import { render } from '@testing-library/react'
import { expect, it } from 'vitest'
import { Execution } from '../../test/builders'
import { decodeUpdate } from '../core/events'
import { formatClock } from '../core/format'
import { ExecutionStore } from '../core/store'
import { ProgressSummary } from './ProgressSummary'

const run = new Execution()
const store = storeOf(
  run.queued(),
  run.started('fetch'),
  run.step('fetch'),
  run.progressed('fetch', 1, 4, 25),
)
const began = Date.parse('2026-11-22T21:30:02.000Z')

function storeOf(...frames: ReturnType<Execution['event']>[]): ExecutionStore {
  const made = new ExecutionStore('nightly_import')
  for (const frame of frames) made.apply(decodeUpdate(frame))
  made.flush()
  return made
}

function text(asOf: number, live: boolean, usualMs: number | null = null, of = store): string | null {
  const props = { summary: of.get('summary'), history: of.get('history'), asOf, live, usualMs }
  return render(<ProgressSummary {...props} />).container.textContent
}

it('estimates what is left while live', () => {
  expect(text(began + 30_000, true)).toBe('25 %0 of 1 stepfetch: 1 of 4 itemsabout 1 m 30 s left30 s')
})

it('estimates by what is usual too, and says what is usual where it takes longer', () => {
  expect(text(began + 30_000, true, 50_000)).toContain('about 37 s left')
  expect(text(began + 1_000, true, 50_000)).toContain('about 49 s left')
})

it('says that nothing comes any more, and how often it did', () => {
  expect(text(began + 20_000, true)).not.toContain('no progress')
  expect(text(began + 240_000, true)).toContain('no progress for 3 m 58 s')
  expect(text(began + 240_000, false)).not.toContain('no progress')
})

it('says how much is left only while something comes', () => {
  expect(text(began + 240_000, true)).not.toContain('left')
  expect(text(began + 240_000, true, 1_000_000)).not.toContain('left')
})

it('shows what the workflow itself counts, before any step', () => {
  const run = new Execution()
  const counted = storeOf(
    run.queued(),
    run.started(),
    run.step('tick'),
    run.event('step.progressed', { progress: 2.33, done: 7, total: 300, unit: 'tick' }),
    run.progressed('tick', 1, 5, 2.33),
  )
  expect(text(began, true, null, counted)).toContain('2 %0 of 1 step so far7 of 300 ticks')

  const open = storeOf(
    run.queued(),
    run.event('step.progressed', { progress: 0, indeterminate: true, done: 7, unit: 'tick' }),
  )
  expect(text(began, true, null, open)).toBe('no steps yet7 ticks')
})

it('shows no percentage of what is queued, and the steps that are planned', () => {
  const plan = ['fetch', 'load'].map(name => ({ name, after: [], weight: 1 }))
  const queued = storeOf(new Execution().event('execution.queued', { input: {}, plan }))
  expect(text(began, true, null, queued)).toBe('0 of 2 steps')
})

it('stands still and says as of when, while nothing is heard', () => {
  const asOf = began + 30_000
  expect(text(asOf, false)).toBe(`25 %0 of 1 stepfetch: 1 of 4 items30 s as of ${formatClock(asOf)}`)
})
