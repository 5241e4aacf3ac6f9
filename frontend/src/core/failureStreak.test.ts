import { expect, it } from 'vitest'
import { failureStreak } from './failureStreak'

const runs = (...phases: string[]) => phases.map((phase, n) => ({ execution_id: `e${n}`, phase }))

it('is counted back to the last run that completed', () => {
  expect(failureStreak(runs('failed', 'failed', 'failed', 'completed', 'failed'), 'e0')).toEqual({
    ...{ first: 'e2', count: 3, isCut: false },
  })
})

it('is not broken by what was cancelled or still runs, and knows nothing of later runs', () => {
  const list = runs('completed', 'failed', 'cancelled', 'running', 'failed', 'completed')
  expect(failureStreak(list, 'e1')).toEqual({ first: 'e4', count: 2, isCut: false })
})

it('takes the execution itself as failed, whatever an older list says of it', () => {
  expect(failureStreak(runs('running', 'failed', 'completed'), 'e0')?.count).toBe(2)
})

it('may have begun before the list does', () => {
  expect(failureStreak(runs('failed', 'failed'), 'e0')).toMatchObject({ first: 'e1', isCut: true })
})

it('is none where the execution is the first to fail, or unknown', () => {
  expect(failureStreak(runs('failed', 'completed', 'failed'), 'e0')).toBeNull()
  expect(failureStreak(runs('failed', 'failed'), 'e9')).toBeNull()
})
