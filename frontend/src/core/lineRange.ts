/** Lines of a log as a link names them: `#L120` or `#L120-L140`. */

export type LineRange = { readonly first: number; readonly last: number }

/** `null` where a hash names no lines. */
export function lineRangeOf(hash: string): LineRange | null {
  const match = /^#L([1-9]\d{0,14})(?:-L?([1-9]\d{0,14}))?$/.exec(hash)
  if (!match) return null
  const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])]
  return { first: Math.min(from, to), last: Math.max(from, to) }
}

export function hashOf({ first, last }: LineRange): string {
  return first === last ? `#L${first}` : `#L${first}-L${last}`
}

/** From the lines chosen so far to another one. */
export function extended(range: LineRange | null, number: number): LineRange {
  if (!range) return { first: number, last: number }
  return number < range.first ? { first: number, last: range.last } : { first: range.first, last: number }
}
