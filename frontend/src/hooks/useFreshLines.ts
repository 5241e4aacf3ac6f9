/** How many lines have come since the reader stopped following. */

import { useEffect, useState } from 'react'

/**
 * @param shown lines that there are to show
 * @param key another one means other lines altogether: counting begins anew
 */
export function useFreshLines(shown: number, following: boolean, settled: boolean, key: unknown): number {
  const [from, setFrom] = useState<{ key: unknown; shown: number } | null>(null)
  useEffect(() => {
    if (following || !settled) setFrom(null)
    else setFrom(before => (before?.key === key ? before : { key, shown }))
  }, [following, settled, key, shown])
  return from && from.key === key ? Math.max(0, shown - from.shown) : 0
}
