/** The last log lines before a seq, as events, read from the immutable chunks of the log over HTTP. */

import { isRecord } from '../core/events'
import { CHUNK_LINES } from '../core/logChunk'

type Get = (path: string) => Promise<Readonly<Record<string, unknown>>>

/**
 * @param get reads a path below the execution
 * @param state as the server gave it: its counts say how many lines there are
 * @returns at most `tail` events, oldest first; fewer where the server does not keep them
 */
export async function lastLogLines(get: Get, state: unknown, upto: number, tail: number): Promise<unknown[]> {
  const counts = isRecord(state) && isRecord(state['counts']) ? state['counts'] : {}
  const lines = Number(counts['logs'] ?? 0)
  if (lines === 0 || tail === 0) return []
  const last = Math.floor((lines - 1) / CHUNK_LINES)
  const events = await linesOf(get, last, upto)
  if (events.length < tail && last > 0) events.unshift(...(await linesOf(get, last - 1, upto)))
  return events.slice(-tail)
}

async function linesOf(get: Get, chunk: number, upto: number): Promise<unknown[]> {
  try {
    const columns = await get(`/log/chunks/${chunk}`)
    const column = (name: string) => (Array.isArray(columns[name]) ? (columns[name] as unknown[]) : [])
    const [timestamps, levels, steps, messages] = ['timestamps', 'levels', 'step_ids', 'messages'].map(column)
    return column('seqs').flatMap((seq, at) => {
      if (typeof seq !== 'number' || seq > upto) return []
      const data = { level: levels?.[at], message: messages?.[at], step_id: steps?.[at] ?? undefined }
      return [{ seq, kind: 'log', type: 'log', timestamp: timestamps?.[at], data }]
    })
  } catch {
    return [] // a log without its old lines is better than none
  }
}
