/** How many lines have come since the reader stopped following. */

import { useEffect, useState } from 'react'

export type Reading = {
  following: boolean
  /** All lines that there are have been looked through. */
  settled: boolean
  /** Lines come as they are written: those before are not new, they are fetched. */
  live: boolean
}

/**
 * @param shown lines that there are to show
 * @param key another one means other lines altogether: counting begins anew
 */
export function useFreshLines(shown: number, key: unknown, { following, settled, live }: Reading): number {
  const [from, setFrom] = useState<{ key: unknown; shown: number } | null>(null)
  useEffect(() => {
    if (following || !settled) setFrom(null)
    else if (live) setFrom(before => (before?.key === key ? before : { key, shown }))
  }, [following, settled, live, key, shown])
  return from && from.key === key ? Math.max(0, shown - from.shown) : 0
}
