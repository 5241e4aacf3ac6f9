/** An answer of the server, asked for again and again while the page is visible. */

import { useEffect, useState } from 'react'

export type Polled<T> = { value: T | null; error: Error | null }

/**
 * @param load keep it stable (`useCallback`): a new one starts over
 * @param everyMs how long to wait after each answer
 */
export function usePolled<T>(load: (signal: AbortSignal) => Promise<T>, everyMs: number): Polled<T> {
  const [polled, setPolled] = useState<Polled<T>>({ value: null, error: null })
  useEffect(() => {
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout>
    const ask = async () => {
      if (document.visibilityState === 'visible') {
        try {
          const value = await load(abort.signal)
          if (!abort.signal.aborted) setPolled({ value, error: null })
        } catch (error) {
          const known = error instanceof Error ? error : new Error(String(error))
          if (!abort.signal.aborted) setPolled(before => ({ value: before.value, error: known }))
        }
      }
      if (!abort.signal.aborted) timer = setTimeout(ask, everyMs)
    }
    void ask()
    return () => {
      abort.abort()
      clearTimeout(timer)
    }
  }, [load, everyMs])
  return polled
}
