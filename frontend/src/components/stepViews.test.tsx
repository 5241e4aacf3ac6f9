import { render } from '@testing-library/react'
import { expect, it } from 'vitest'
import { Execution } from '../../test/builders'
import { decodeUpdate } from '../core/events'
import { ExecutionHistory } from '../core/history'
import { Graph } from './Graph'
import { StepList } from './StepList'
import { Timeline } from './Timeline'

const VIEWS = [
  ['list', StepList],
  ['timeline', Timeline],
  ['graph', Graph],
] as const

it.each(VIEWS)('the %s of steps is not drawn anew for what changed elsewhere', (_, View) => {
  const history = new ExecutionHistory()
  let drawn = 0
  const slice = {
    version: 0,
    get history() {
      drawn += 1
      return history
    },
  }
  const props = { plan: [{ name: 'load', after: [], weight: 1 }], now: 0, selected: null, onSelect: () => {} }
  const { rerender } = render(<View slice={slice} {...props} />)
  const first = drawn
  rerender(<View slice={slice} {...props} />)
  expect(drawn).toBe(first)
  rerender(<View slice={slice} {...props} now={250} />)
  expect(drawn).toBeGreaterThan(first)
})

it.each(VIEWS)('the %s of steps tells no step yet from no step at all', (_, View) => {
  const run = new Execution()
  const history = new ExecutionHistory()
  const shown = () => {
    const props = { plan: [], now: Date.now(), selected: null, onSelect: () => {} }
    return render(<View slice={{ history, version: history.version }} {...props} />).container.textContent
  }
  history.apply(decodeUpdate(run.queued()))
  expect(shown()).toContain('No step has begun.')
  history.apply(decodeUpdate(run.completed()))
  expect(shown()).toContain('This execution has no steps.')
})
