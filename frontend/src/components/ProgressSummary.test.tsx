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

function text(asOf: number, live: boolean): string | null {
  const props = { summary: store.get('summary'), steps: store.get('steps'), asOf, live }
  return render(<ProgressSummary {...props} />).container.textContent
}

it('estimates what is left while live', () => {
  expect(text(began + 30_000, true)).toBe('25 %0 of 1 stepfetch: 1 of 4 itemsabout 1 m 30 s left30 s')
})

it('stands still and says as of when, while nothing is heard', () => {
  const asOf = began + 30_000
  expect(text(asOf, false)).toBe(`25 %0 of 1 stepfetch: 1 of 4 items30 s as of ${formatClock(asOf)}`)
})
