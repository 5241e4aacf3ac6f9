/** Marks beside the scroll bar where the search has matches. */

import { useMemo } from 'react'
import type { LogSource } from '../core/chunks'
import { tickPlaces } from '../core/logTicks'
import type { SelectedLines } from '../hooks/useLogSelection'

const PLACES = 200

/** @param props.lines of the whole log: the marks move as it grows */
export function LogTicks({ hits, shown, lines }: { hits: SelectedLines; shown: LogSource; lines: number }) {
  const { selection, version } = hits
  // biome-ignore lint/correctness/useExhaustiveDependencies: more matches and more lines both move the marks
  const places = useMemo(
    () => (selection ? tickPlaces(selection, shown, PLACES) : []),
    [selection, shown, version, lines],
  )
  return (
    <div className="headway-log__ticks" aria-hidden="true">
      {places.map(place => (
        <span key={place} style={{ top: `${(place / PLACES) * 100}%` }} />
      ))}
    </div>
  )
}
