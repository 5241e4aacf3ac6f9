/** What of a log a reader wants to see, as an address holds it. */

export type LogFilter = {
  readonly text: string
  readonly isRegex: boolean
  /** Lines without the text are left out; else all are shown and the text is marked. */
  readonly onlyMatches: boolean
  /** The least grave, as an index into `LEVELS`. */
  readonly minLevel: number
}

export const NO_FILTER: LogFilter = { text: '', isRegex: false, onlyMatches: false, minLevel: 0 }

/** The same for filters that are the same. */
export function filterKey({ text, isRegex, onlyMatches, minLevel }: LogFilter): string {
  return JSON.stringify([text, isRegex, onlyMatches, minLevel])
}
