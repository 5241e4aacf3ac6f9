import { describe, expect, it } from 'vitest'
import {
  DEFAULT_PREFERENCES,
  formatExactBoth,
  formatTime,
  nextTimeFormat,
  preferencesFromJson,
} from './preferences'

const NOON = Date.UTC(2026, 10, 22, 12, 0, 5)

describe('a time', () => {
  it('is said as the reader chose', () => {
    expect(formatTime(NOON - 120_000, NOON, 'relative')).toBe('2 min ago')
    expect(formatTime(NOON, NOON, 'utc')).toBe('12:00:05 UTC')
    expect(formatTime(NOON, NOON, 'local')).toMatch(/^\d\d:\d\d:05$/)
  })

  it('has its date where it is of another day', () => {
    expect(formatTime(NOON, NOON + 86_400_000, 'utc')).toBe('2026-11-22 12:00:05 UTC')
  })

  it('is empty where there is none', () => {
    for (const format of ['relative', 'local', 'utc'] as const)
      expect(formatTime(Number.NaN, NOON, format)).toBe('')
    expect(formatExactBoth(Number.NaN)).toBe('')
  })

  it('goes through all formats and comes back', () => {
    expect(nextTimeFormat(nextTimeFormat(nextTimeFormat('local')))).toBe('local')
  })
})

describe('what was stored', () => {
  it('is read back', () => {
    const chosen = { timeFormat: 'utc' } as const
    expect(preferencesFromJson(JSON.stringify(chosen))).toEqual(chosen)
  })

  it.each([null, '', '{', 'null', '7', '{"timeFormat":"lunar"}'])('is the default where %s', text => {
    expect(preferencesFromJson(text)).toEqual(DEFAULT_PREFERENCES)
  })
})
