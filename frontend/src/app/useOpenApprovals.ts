import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useRef } from 'react'
import type { Row } from '../api/lobby'
import { useIsLive, useLobbyRows } from './lobby'
import { useApi } from './session'

export const APPROVALS = ['approvals'] as const
const REFRESH_MS = 3_000
const REFRESH_LIVE_MS = 15_000

/** Open questions over all executions; asked for anew when an execution begins to wait, or stops. */
export function useOpenApprovals() {
  const api = useApi()
  const client = useQueryClient()
  const isLive = useIsLive()
  const waiting = useRef(new Set<string>())
  useLobbyRows(
    useCallback(
      (rows: readonly Row[]) => {
        const changed = rows.filter(row => {
          const waits = row.phase === 'waiting'
          if (waits === waiting.current.has(row.execution_id)) return false
          if (waits) waiting.current.add(row.execution_id)
          else waiting.current.delete(row.execution_id)
          return true
        })
        if (changed.length > 0) void client.invalidateQueries({ queryKey: APPROVALS })
      },
      [client],
    ),
  )
  return useQuery({
    queryKey: APPROVALS,
    queryFn: ({ signal }) => api.approvals(signal),
    refetchInterval: ({ state }) => (isLive && !state.error ? REFRESH_LIVE_MS : REFRESH_MS),
    retry: false,
  })
}
