/** The inner size of an element, as it changes; 0 by 0 until it has been laid out. */

import { type RefObject, useEffect, useState } from 'react'

export type Size = { readonly width: number; readonly height: number }

export function useSize(ref: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  useEffect(() => {
    const element = ref.current
    if (!element || typeof ResizeObserver === 'undefined') return
    const measure = () => {
      const next = { width: element.clientWidth, height: element.clientHeight }
      setSize(before => (before.width === next.width && before.height === next.height ? before : next))
    }
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    measure()
    return () => observer.disconnect()
  }, [ref])
  return size
}
