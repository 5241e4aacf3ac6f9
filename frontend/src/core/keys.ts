/** Keys without a modifier as commands of a page: "j", "Enter", "?". */

export type KeyPress = {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  readonly defaultPrevented: boolean
}

/** What has the focus takes the key itself: what one types in, and Enter and space on what can be pressed. */
export type KeyTarget = { readonly tag: string; readonly editable: boolean; readonly inDialog: boolean }

const TYPED_IN = new Set(['INPUT', 'TEXTAREA', 'SELECT'])
const PRESSED = new Set(['A', 'BUTTON', 'SUMMARY'])

/** Which of the page's keys is meant, if any. */
export function keyCommand(press: KeyPress, target: KeyTarget): string | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.defaultPrevented) return null
  if (target.inDialog || target.editable || TYPED_IN.has(target.tag)) return null
  if (PRESSED.has(target.tag) && (press.key === 'Enter' || press.key === ' ')) return null
  return press.key
}
