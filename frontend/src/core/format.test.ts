import { expect, it } from 'vitest'
import {
  formatAgo,
  formatBytes,
  formatClock,
  formatCounted,
  formatDuration,
  formatMoment,
  ordinal,
  parseTime,
  prettyJson,
  timeLeft,
} from './format'

it.each([
  [-5, '< 1 ms'],
  [0.4, '< 1 ms'],
  [12.7, '12 ms'],
  [999.9, '999 ms'],
  [1_000, '1.0 s'],
  [9_999, '9.9 s'],
  [10_000, '10 s'],
  [59_999, '59 s'],
  [124_000, '2 m 04 s'],
  [3_900_000, '1 h 05 m'],
  [93_600_000, '1 d 02 h'],
])('%i ms last %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

it.each([
  [0, 'just now'],
  [42_000, '42 s ago'],
  [125_000, '2 min ago'],
  [7_200_000, '2 h ago'],
  [200_000_000, '2 d ago'],
])('%i ms are %s', (ms, text) => {
  expect(formatAgo(ms)).toBe(text)
})

it('counts and measures', () => {
  expect([formatCounted(1, 'step'), formatCounted(48_211, 'line')]).toEqual(['1 step', '48,211 lines'])
  expect([formatBytes(512), formatBytes(14_200), formatBytes(999_960), formatBytes(3.1e9)]).toEqual([
    '512 B',
    '14.2 kB',
    '1.0 MB',
    '3.1 GB',
  ])
})

it('puts in order', () => {
  expect([1, 2, 3, 4, 11, 12, 21, 103].map(ordinal)).toEqual([
    ...['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '103rd'],
  ])
})

it('shows nothing for no time', () => {
  expect(formatClock(parseTime(null))).toBe('')
})

it('guesses the time left only from enough progress', () => {
  expect(timeLeft(25, 10_000)).toBe(30_000)
  expect([timeLeft(1, 60_000), timeLeft(50, 1_000), timeLeft(100, 60_000)]).toEqual([null, null, null])
})

it('time left begins with what is usual, and trusts the progress more the further it is', () => {
  expect(timeLeft(0, 1_000, 60_000)).toBe(59_000)
  expect(timeLeft(50, 10_000, 60_000)).toBe(30_000) // half of 10 s by progress, half of 50 s by habit
  expect(timeLeft(50, 70_000, 60_000)).toBe(70_000)
  expect(timeLeft(0, 70_000, 60_000)).toBeNull()
})

it('a moment of another day has its date', () => {
  const now = new Date(2026, 10, 22, 21, 30, 0).getTime()
  const [sameDay, dayAfter] = [now + 3_600_000, now + 86_400_000]

  expect(formatMoment(sameDay, now)).toBe(formatClock(sameDay))
  expect(formatMoment(dayAfter, now)).toContain('23')
  expect(formatMoment(dayAfter, now)).toContain(formatClock(dayAfter))
  expect(formatMoment(Number.NaN, now)).toBe('')
})

it('lays JSON out, and leaves what is none', () => {
  expect(prettyJson('{"row":4112}')).toBe('{\n  "row": 4112\n}')
  expect(prettyJson('{"rows":[1,2…')).toBe('{"rows":[1,2…')
})
