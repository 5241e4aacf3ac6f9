/** What a filter or a search lets through, by the rules of the server's search: they agree on what matches. */

import { type Chunk, SealedChunk } from './logChunk'

/** An expression sees so much of a message. */
export const MATCHED_CHARACTERS = 4_096

export type LogQuery = {
  readonly text: string
  readonly isRegex: boolean
  /** The least grave, as an index into `LEVELS`. */
  readonly minLevel: number
  readonly step: string | null
}

export type LogMatch = {
  readonly query: LogQuery
  /** `null` where any text will do. */
  readonly pattern: RegExp | null
}

export const EVERYTHING: LogQuery = { text: '', isRegex: false, minLevel: 0, step: null }

/**
 * Any case matches unless the text has a capital letter; an expression minds the case.
 *
 * @throws SyntaxError if it is no regular expression.
 */
export function logMatch(query: LogQuery): LogMatch {
  const { text, isRegex } = query
  if (text === '') return { query, pattern: null }
  if (isRegex) return { query, pattern: new RegExp(text, 'g') }
  const flags = text === text.toLowerCase() ? 'gi' : 'g'
  return { query, pattern: new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), flags) }
}

export function isEverything({ text, minLevel, step }: LogQuery): boolean {
  return text === '' && minLevel === 0 && step === null
}

/** The messages of a chunk that match, rising. */
export function matchesIn(chunk: Chunk, { query, pattern }: LogMatch): number[] {
  const { minLevel, step } = query
  const found: number[] = []
  const consider = (message: number) => {
    if (minLevel > 0 && chunk.level(message) < minLevel) return
    if (step === null || chunk.step(message) === step) found.push(message)
  }
  if (pattern && chunk instanceof SealedChunk && !query.isRegex)
    for (const message of chunk.holding(pattern)) consider(message)
  else
    for (let message = 0; message < chunk.messages; message++)
      if (!pattern || holds(chunk.message(message), pattern, query.isRegex)) consider(message)
  return found
}

function holds(text: string, pattern: RegExp, isRegex: boolean): boolean {
  pattern.lastIndex = 0
  return pattern.test(isRegex ? text.slice(0, MATCHED_CHARACTERS) : text)
}
