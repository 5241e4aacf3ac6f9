import { describe, expect, it } from 'vitest'
import { Pace } from './pace'

function paceOf(...times: number[]): Pace {
  const pace = new Pace()
  for (const time of times) pace.note(time)
  return pace
}

describe('pace', () => {
  it('knows its usual pause from a few on', () => {
    expect(paceOf(0, 10, 20).usualMs()).toBeNull()
    expect(paceOf(0, 10, 20, 30, 1_030).usualMs()).toBe(10)
  })

  it('forgets pauses of long ago', () => {
    const slow = Array.from({ length: 10 }, (_, n) => n * 1_000)
    const fast = Array.from({ length: 64 }, (_, n) => 9_000 + (n + 1) * 5)
    expect(paceOf(...slow, ...fast).usualMs()).toBe(5)
  })

  it('speaks of a silence only where it is long, and longer than usual', () => {
    const pace = paceOf(0, 20_000, 40_000, 60_000, 80_000)
    expect(pace.silenceMs(80_000 + 60_000)).toBeNull()
    expect(pace.silenceMs(80_000 + 101_000)).toBe(101_000)
    expect(paceOf(0, 1, 2, 3, 4).silenceMs(29_000)).toBeNull()
    expect(paceOf(0, 1, 2, 3, 4).silenceMs(31_004)).toBe(31_000)
    expect(paceOf().silenceMs(1_000_000)).toBeNull()
  })

  it('is not confused by an event that was late', () => {
    const pace = paceOf(0, 10, 5, 20)
    expect(pace.lastAt).toBe(20)
  })
})
