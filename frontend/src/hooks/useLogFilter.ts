/** What a reader wants to see of a log, and the way back from a line in its context. */

import { useCallback, useMemo, useState } from 'react'
import { type LogMatch, type LogQuery, logMatch } from '../core/logMatch'

export type LogFilter = {
  readonly text: string
  readonly isRegex: boolean
  /** Lines without the text are left out; else all are shown and the text is marked. */
  readonly onlyMatches: boolean
  readonly minLevel: number
}

export type FilterHandle = {
  readonly filter: LogFilter
  change(change: Partial<LogFilter>): void
  /** What is shown, and what is sought in it. */
  readonly query: LogQuery
  readonly match: LogMatch | null
  readonly sought: LogMatch | null
  /** Why the expression is none. */
  readonly error: string | null
  /** Show all lines, until `back`. */
  leave(): void
  readonly back: (() => void) | null
}

const NO_FILTER: LogFilter = { text: '', isRegex: false, onlyMatches: false, minLevel: 0 }

export function useLogFilter(step: string | null): FilterHandle {
  const [filter, setFilter] = useState(NO_FILTER)
  const [left, setLeft] = useState<LogFilter | null>(null)
  const { text, isRegex, onlyMatches, minLevel } = filter
  const query = useQuery(onlyMatches ? text : '', isRegex, minLevel, step)
  const { match } = useMatch(query)
  const { match: sought, error } = useMatch(useQuery(text, isRegex, minLevel, step))

  const change = useCallback((change: Partial<LogFilter>) => {
    setLeft(null)
    setFilter(before => ({ ...before, ...change }))
  }, [])
  const leave = () => {
    setLeft(filter)
    setFilter({ ...filter, onlyMatches: false, minLevel: 0 })
  }
  const back = () => {
    setLeft(null)
    if (left) setFilter(left)
  }
  return { filter, change, query, match, sought, error, leave, back: left && back }
}

function useQuery(text: string, isRegex: boolean, minLevel: number, step: string | null): LogQuery {
  return useMemo(() => ({ text, isRegex, minLevel, step }), [text, isRegex, minLevel, step])
}

/** What is no expression matches nothing, and says so. */
function useMatch(query: LogQuery): { match: LogMatch | null; error: string | null } {
  return useMemo(() => {
    try {
      return { match: logMatch(query), error: null }
    } catch (error) {
      return { match: null, error: error instanceof Error ? error.message : String(error) }
    }
  }, [query])
}
