import { render } from '@testing-library/react'
import { expect, it } from 'vitest'
import { ExecutionHistory } from '../core/history'
import { Graph } from './Graph'
import { StepList } from './StepList'
import { Timeline } from './Timeline'

it.each([
  ['list', StepList],
  ['timeline', Timeline],
  ['graph', Graph],
])('the %s of steps is not drawn anew for what changed elsewhere', (_, View) => {
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
