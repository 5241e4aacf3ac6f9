import { expect, it } from 'vitest'
import { formatLogTime, nextTimeStyle, TIME_STYLES } from './logTime'

const START = Date.UTC(2026, 10, 22, 21, 30, 0)

it.each([
  [400, '+0.4'],
  [12_049, '+12.0'],
  [124_500, '+2:04.5'],
  [3_723_000, '+1:02:03'],
  [-1_500, '-1.5'],
])('shows %i ms after the start as %s', (ms, text) => {
  expect(formatLogTime(START + ms, 'relative', START)).toBe(text)
})

it('shows the clock of UTC, or nothing', () => {
  expect(formatLogTime(START, 'utc', START)).toBe('21:30:00Z')
  expect(formatLogTime(START, 'off', START)).toBe('')
  expect(formatLogTime(Number.NaN, 'local', START)).toBe('')
})

it('goes round all styles', () => {
  let style = TIME_STYLES[0] as (typeof TIME_STYLES)[number]
  const seen = TIME_STYLES.map(() => {
    style = nextTimeStyle(style)
    return style
  })
  expect([...seen].sort()).toEqual([...TIME_STYLES].sort())
})
