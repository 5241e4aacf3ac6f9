import { expect, it } from 'vitest'
import { levelOf } from './rowKeys'

it.each([
  ['Digit2', '@', 2],
  ['Digit2', '"', 2],
  ['Digit0', '=', 0],
  ['Digit2', '2', null], // shows a pane
  ['Digit7', '/', null], // searches, where it is on this key
  ['Digit6', '-', null], // zooms
  ['KeyT', 't', null],
])('%s that gives %s means level %s', (code, key, level) => {
  expect(levelOf({ code, key })).toBe(level)
})
