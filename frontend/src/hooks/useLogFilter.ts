/** What a reader wants to see of a log, and the way back from a line in its context. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { filterKey, type LogFilter, NO_FILTER } from '../core/logFilter'
import { type LogMatch, type LogQuery, logMatch } from '../core/logMatch'

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

/** Who types is not told of at every letter: a browser takes few addresses in a short time. */
const TELL_MS = 250

/**
 * @param given what the owner, as an address, has it set to
 * @param onFilter called when the reader has set it otherwise
 */
export function useLogFilter(
  step: string | null,
  given: LogFilter | undefined,
  onFilter: ((filter: LogFilter) => void) | undefined,
): FilterHandle {
  const [filter, setFilter] = useShared(given ?? NO_FILTER, onFilter)
  const [left, setLeft] = useState<LogFilter | null>(null)
  const { text, isRegex, onlyMatches, minLevel } = filter
  const query = useQuery(onlyMatches ? text : '', isRegex, minLevel, step)
  const { match } = useMatch(query)
  const { match: sought, error } = useMatch(useQuery(text, isRegex, minLevel, step))

  const change = useCallback(
    (change: Partial<LogFilter>) => {
      setLeft(null)
      setFilter(before => ({ ...before, ...change }))
    },
    [setFilter],
  )
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

/** The filter of this view, and of its owner: either changes it, and the one who did is not told. */
function useShared(given: LogFilter, onFilter: ((filter: LogFilter) => void) | undefined) {
  const [filter, setFilter] = useState(given)
  const known = useRef(filterKey(given))
  const tell = useRef(onFilter)
  tell.current = onFilter
  const [key, givenKey] = [filterKey(filter), filterKey(given)]
  // biome-ignore lint/correctness/useExhaustiveDependencies: by what is in it: it is another object at each render
  useEffect(() => {
    if (givenKey === known.current) return
    known.current = givenKey
    setFilter(given)
  }, [givenKey])
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  useEffect(() => {
    if (key === known.current) return
    const timer = setTimeout(() => {
      known.current = key
      tell.current?.(filter)
    }, TELL_MS)
    return () => clearTimeout(timer)
  }, [key])
  return [filter, setFilter] as const
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
