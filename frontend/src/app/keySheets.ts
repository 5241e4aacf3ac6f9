/**
 * What the keys do, as the sheet tells it. A page's commands are typed by the keys that stand here, so that neither
 * a key is told that does nothing, nor one works that nobody is told of.
 */

/** A row is what one reads as the keys, and the keys that are pressed. */
type Sheet = readonly (readonly [label: string, what: string, keys: readonly string[]])[]

export type KeysOf<Told extends Sheet> = Told[number][2][number]

export const SHELL_KEYS = [
  ['g w', 'Workflows', ['w']],
  ['g e', 'Executions', ['e']],
  ['g a', 'Approvals', ['a']],
  ['g s', 'Settings', ['s']],
  ['?', 'This sheet', ['?']],
] as const satisfies Sheet

export const WORKFLOW_KEYS = [['f or /', 'Filter by name', ['f', '/']]] as const satisfies Sheet

export const LIST_KEYS = [
  ['j k', 'Next, previous', ['j', 'k']],
  ['Enter', 'Open', ['Enter']],
  ['x', 'Select', ['x']],
  ['c', 'Cancel what is selected; select this one where nothing is', ['c']],
  ['r', 'Run again what is selected; select this one where nothing is', ['r']],
  ['f or /', 'Filter by text', ['f', '/']],
  ['G', 'Show new ones', ['G']],
  ['Esc', 'Select nothing, then leave the row', ['Escape']],
] as const satisfies Sheet
