import { render } from '@testing-library/react'
import { expect, it } from 'vitest'
import { Execution } from '../../test/builders'
import { decodeUpdate } from '../core/events'
import { formatClock } from '../core/format'
import { ExecutionStore } from '../core/store'
import { ProgressSummary } from './ProgressSummary'

const run = new Execution()
const store = new ExecutionStore('nightly_import')
for (const frame of [
  run.queued(),
  run.started('fetch'),
  run.step('fetch'),
  run.progressed('fetch', 1, 4, 25),
]) {
  store.apply(decodeUpdate(frame))
}
store.flush()
const began = Date.parse('2026-11-22T21:30:02.000Z')

function text(asOf: number, live: boolean, usualMs: number | null = null): string | null {
  const props = { summary: store.get('summary'), history: store.get('history'), asOf, live, usualMs }
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

it('stands still and says as of when, while nothing is heard', () => {
  const asOf = began + 30_000
  expect(text(asOf, false)).toBe(`25 %0 of 1 stepfetch: 1 of 4 items30 s as of ${formatClock(asOf)}`)
})
