/** The lines of a log that match, searched for while the page stays responsive. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { LogApi } from '../api/log'
import type { ChunkedLog } from '../core/chunks'
import type { LogMatch } from '../core/logMatch'
import { LogScan, type ScanState } from '../core/logScan'
import { LogSelection } from '../core/logSelection'

export type SelectedLines = ScanState & {
  /** `null` where nothing is selected: then the log itself is shown. */
  readonly selection: LogSelection | null
  /** Changes with what is known of the matches. */
  readonly version: number
  changed(): void
  retry(): void
}

/**
 * @param match `null` for no selection at all; keep it stable
 * @param cleared messages up to this number are left out
 * @param grouped with a row above the lines of each step
 */
export function useLogSelection(
  log: ChunkedLog,
  match: LogMatch | null,
  api: LogApi | null,
  cleared: number,
  grouped: boolean,
): SelectedLines {
  const [version, setVersion] = useState(0)
  const selection = useMemo(
    () => match && new LogSelection(log, match, { cleared, grouped }),
    [log, match, cleared, grouped],
  )
  const scan = useRef<{ of: LogSelection; by: LogScan } | null>(null)
  useEffect(() => {
    if (!selection) return
    const { query } = selection.match
    const ask =
      api && ((first: number, to: number, signal: AbortSignal) => api.search(query, first, to, signal))
    const own = new LogScan(selection, ask, () => setVersion(before => before + 1))
    scan.current = { of: selection, by: own }
    own.changed()
    return () => {
      own.stop()
      scan.current = null
    }
  }, [selection, api])
  const changed = useCallback(() => scan.current?.by.changed(), [])
  const retry = useCallback(() => scan.current?.by.retry(), [])
  const own = scan.current?.of === selection ? scan.current?.by : null
  const state = own?.state ?? { searching: selection !== null, failed: null }
  return { ...state, selection, version, changed, retry }
}
