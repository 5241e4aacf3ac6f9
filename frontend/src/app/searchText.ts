/**
 * The part of an address behind its `?`, as people write and send it: plain names and texts, a name that repeats
 * is a list. No value is anything but text: `?q=123` looks for "123".
 */

export type SearchValues = Record<string, string | string[]>

/** Never fails: what does not decode is taken as it stands. */
export function parseSearch(text: string): SearchValues {
  const values = new Map<string, string | string[]>()
  for (const [name, value] of new URLSearchParams(text)) {
    const before = values.get(name)
    if (before === undefined) values.set(name, value)
    else values.set(name, [...(Array.isArray(before) ? before : [before]), value])
  }
  return Object.fromEntries(values)
}

/** With the `?`, or nothing; what is undefined is left out. */
export function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null) parameters.append(name, String(each))
    }
  }
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}

/** The one text under a name, the last of several; none where it is empty. */
export function wordOf(value: unknown): string | undefined {
  const last: unknown = Array.isArray(value) ? value.at(-1) : value
  return typeof last === 'string' && last !== '' ? last : undefined
}

/** Words without a comma in them, repeated (`a=x&a=y`) or listed (`a=x,y`), each once. */
export function wordsOf(value: unknown): string[] | undefined {
  const given: unknown[] = Array.isArray(value) ? value : [value]
  const words = given.flatMap(each => (typeof each === 'string' ? listed(each) : []))
  const unique = [...new Set(words.map(word => word.trim()).filter(word => word !== ''))]
  return unique.length > 0 ? unique : undefined
}

/** Addresses of before were lists in JSON: `a=["x","y"]`. */
function listed(text: string): string[] {
  return text.startsWith('["') ? text.replace(/[[\]"]/g, '').split(',') : text.split(',')
}
