import { expect, it } from 'vitest'
import { BACKOFF, fullJitter } from './backoff'

it('doubles its ceiling with each attempt, up to the cap', () => {
  const ceilings = [0, 1, 2, 3, 10, 10_000].map(attempt => fullJitter(attempt, 1))
  expect(ceilings).toEqual([250, 500, 1_000, 2_000, BACKOFF.capMs, BACKOFF.capMs])
})

it('spreads over the whole range down to nothing', () => {
  expect(fullJitter(3, 0)).toBe(0)
  expect(fullJitter(3, 0.5)).toBe(1_000)
})
