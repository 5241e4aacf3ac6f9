/** Elements of a list within JSON text as they are written there: what was made of the bytes can be checked. */

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * @param text JSON of an object
 * @param member its member with the list
 * @returns the text of each element; none where there is no such list
 */
export function rawItems(text: string, member: string): string[] {
  const items: string[] = []
  let depth = 0
  let name = ''
  /** Where the element begins that is read; null outside the list. */
  let start: number | null = null
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfText(text, at)
      if (depth === 1) name = text.slice(at + 1, end)
      at = end
    } else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      depth += 1
      if (code === OPEN_LIST && depth === 2 && name === member) start = at + 1
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) {
      depth -= 1
      if (start === null || depth > 1) continue
      const last = text.slice(start, at).trim()
      return last === '' ? items : [...items, last]
    } else if (code === COMMA && depth === 2 && start !== null) {
      items.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  return []
}

/** Of a text that begins at a quote, the other one. */
function endOfText(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at
    while (text.charCodeAt(before - 1) === BACKSLASH) before -= 1
    if ((at - before) % 2 === 0) return at
  }
  return text.length
}
