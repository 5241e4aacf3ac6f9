/** The rows of a page of executions: shown ones change in place, new ones wait until they are asked for. */

import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { Execution, ExecutionPage } from '../api/decode'
import type { HttpApi } from '../api/http'
import { newIdempotencyKey } from '../api/idempotency'
import type { Row } from '../api/lobby'
import { emptyRowList, mergePage, patchRows, type RowList, shownRows, showWaiting } from '../core/rowList'
import { type ListSearch, PAGE_SIZE, queryOf } from './listSearch'
import { useIsLive, useLobbyRows } from './lobby'
import { useApi } from './session'
import { useLastingError } from './useLastingError'

const REFRESH_MS = 2_000
/** What the live rows do not say (errors, who) comes with the page itself. */
const REFRESH_LIVE_MS = 15_000
export type ExecutionRows = {
  readonly rows: readonly Execution[]
  readonly waiting: number
  readonly nextCursor: string | null
  readonly error: Error | null
  readonly isLoading: boolean
  readonly show: () => void
  readonly refresh: () => unknown
}

/** @param search with another one the list begins anew; give the component a key made of it */
export function useExecutionRows(search: ListSearch): ExecutionRows {
  const api = useApi()
  const isLive = useIsLive()
  const [list, setList] = useState<RowList<Execution>>(emptyRowList)
  // Each visit begins with the rows as they are, not with those of the visit before.
  const [visit] = useState(newIdempotencyKey)
  const held = useRef(list)
  held.current = list
  const query = useQuery({
    queryKey: ['executions', search, visit],
    queryFn: ({ signal }) => loadPage(api, search, held.current, signal),
    refetchInterval: ({ state }) => (isLive && !state.error ? REFRESH_LIVE_MS : REFRESH_MS),
    retry: false,
  })
  const { data, isPending, refetch } = query
  useEffect(() => {
    if (data) setList(before => patchRows(mergePage(before, data.page.executions), data.others))
  }, [data])
  useLobbyRows(useLivePatches(list, setList, refetch))
  return {
    rows: shownRows(list),
    waiting: search.cursor ? 0 : list.waiting.length,
    nextCursor: data?.page.next_cursor ?? null,
    error: useLastingError(query),
    isLoading: isPending || (list.shown.length === 0 && (data?.page.executions.length ?? 0) > 0),
    show: () => setList(before => showWaiting(before, PAGE_SIZE)),
    refresh: refetch,
  }
}

type Loaded = { page: ExecutionPage; others: Execution[] }

/** The page as the server has it, and rows that are shown but no longer belong to it. */
async function loadPage(
  api: HttpApi,
  search: ListSearch,
  list: RowList<Execution>,
  signal: AbortSignal,
): Promise<Loaded> {
  const page = await api.executions(queryOf(search, Date.now()), signal)
  const found = new Set(page.executions.map(row => row.execution_id))
  const missing = shownRows(list).filter(row => !row.closed && !found.has(row.execution_id))
  const others = await Promise.all(
    missing.map(row =>
      api.execution(row.execution_id, signal).then(
        detail => detail.execution,
        () => row,
      ),
    ),
  )
  return { page, others }
}

/** Change shown rows as the socket says; ask for the page where it says what only the page can tell. */
function useLivePatches(
  list: RowList<Execution>,
  setList: (change: (before: RowList<Execution>) => RowList<Execution>) => void,
  refetch: () => unknown,
) {
  const latest = useRef({ list, refetch })
  latest.current = { list, refetch }
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  return useCallback(
    (rows: readonly Row[]) => {
      const known = latest.current.list.rows
      setList(before => patchRows(before, rows.map(patchOf)))
      const tells = rows.some(row => {
        const before = known.get(row.execution_id)
        return before === undefined || (before.phase !== row.phase && (row.ended_at !== null || !before.by))
      })
      if (!tells || timer.current !== undefined) return
      timer.current = setTimeout(() => {
        timer.current = undefined
        latest.current.refetch()
      }, 500)
    },
    [setList],
  )
}

function patchOf(row: Row): Partial<Execution> & { execution_id: string } {
  const { created_at: created, ...rest } = row
  const closed = row.status !== 'running'
  return { ...rest, closed, ...(created === null ? {} : { created_at: created }) }
}
