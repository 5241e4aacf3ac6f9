import { expect, it } from 'vitest'
import { type KeyPress, type KeyTarget, keyCommand } from './keys'

const press = (key: string, change: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  defaultPrevented: false,
  ...change,
})
const at = (tag: string, change: Partial<KeyTarget> = {}): KeyTarget => ({
  tag,
  editable: false,
  inDialog: false,
  ...change,
})

it('a key on the page is a command', () => {
  expect(keyCommand(press('j'), at('BODY'))).toBe('j')
  expect(keyCommand(press('j'), at('A'))).toBe('j')
})

it.each(['ctrlKey', 'metaKey', 'altKey', 'defaultPrevented'] as const)('with %s it is not ours', modifier => {
  expect(keyCommand(press('j', { [modifier]: true }), at('BODY'))).toBeNull()
})

it.each([
  at('INPUT'),
  at('TEXTAREA'),
  at('SELECT'),
  at('DIV', { editable: true }),
  at('DIV', { inDialog: true }),
])('what is typed stays where it is typed: %j', target => {
  expect(keyCommand(press('j'), target)).toBeNull()
})

it('Enter and space press what has the focus', () => {
  for (const key of ['Enter', ' ']) expect(keyCommand(press(key), at('BUTTON'))).toBeNull()
  expect(keyCommand(press('Enter'), at('BODY'))).toBe('Enter')
})
