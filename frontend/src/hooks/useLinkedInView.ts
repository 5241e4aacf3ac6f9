/** The page scrolled to what an address names, once it is there. */

import { type RefObject, useEffect, useRef } from 'react'

/** @param isThere of something that stood in the address from the start; `null` where nothing did */
export function useLinkedInView(ref: RefObject<HTMLElement | null>, isThere: boolean | null): void {
  const isDue = useRef(isThere !== null)
  useEffect(() => {
    if (!isThere || !isDue.current || !ref.current) return
    isDue.current = false
    const { top, bottom } = ref.current.getBoundingClientRect()
    if (top < 0 || bottom > innerHeight) ref.current.scrollIntoView({ block: 'start' })
  }, [ref, isThere])
}
