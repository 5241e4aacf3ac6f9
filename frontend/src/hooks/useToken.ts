/** A token source that stays the same while mounted, though a page gives another function with each render. */

import { useEffect, useMemo, useRef } from 'react'
import type { TokenSource } from '../api/token'

/** @returns what asks the latest source given; undefined where there is none. */
export function useToken(token: TokenSource | undefined): TokenSource | undefined {
  const latest = useRef(token)
  useEffect(() => {
    latest.current = token
  })
  const isGiven = token !== undefined
  return useMemo(() => (isGiven ? () => latest.current?.() ?? '' : undefined), [isGiven])
}
