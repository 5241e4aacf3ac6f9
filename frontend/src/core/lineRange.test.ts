import { expect, it } from 'vitest'
import { extended, hashOf, lineRangeOf } from './lineRange'

it.each([
  ['#L120', { first: 120, last: 120 }],
  ['#L120-L140', { first: 120, last: 140 }],
  ['#L140-120', { first: 120, last: 140 }],
  ['#L0', null],
  ['#L', null],
  ['#L1-L2-L3', null],
  ['#top', null],
  ['', null],
])('reads %s', (hash, range) => {
  expect(lineRangeOf(hash)).toEqual(range)
})

it('is written as it is read', () => {
  for (const range of [
    { first: 7, last: 7 },
    { first: 7, last: 9 },
  ])
    expect(lineRangeOf(hashOf(range))).toEqual(range)
})

it('grows to the line that is added, in either direction', () => {
  expect(extended(null, 5)).toEqual({ first: 5, last: 5 })
  expect(extended({ first: 5, last: 7 }, 9)).toEqual({ first: 5, last: 9 })
  expect(extended({ first: 5, last: 7 }, 2)).toEqual({ first: 2, last: 7 })
})
