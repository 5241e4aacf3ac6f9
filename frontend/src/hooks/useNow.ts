/** The time, four times a second, from one clock for the whole page. */

import { useCallback, useSyncExternalStore } from 'react'

const TICK_MS = 250
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined
let now = Date.now()

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of [...listeners]) each()
  }, TICK_MS)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** Milliseconds since 1970; stands still, and renders nothing, while not `running`. */
export function useNow(running: boolean): number {
  const follow = useCallback((listener: () => void) => (running ? subscribe(listener) : () => {}), [running])
  return useSyncExternalStore(follow, read)
}

function read(): number {
  const current = Date.now()
  if (current - now >= TICK_MS) now = current
  return now
}
