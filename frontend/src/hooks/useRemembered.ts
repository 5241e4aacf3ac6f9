/** A choice of the reader, kept by the browser from one visit to the next. */

import { useState } from 'react'

export function useRemembered(key: string, otherwise: string): [string, (value: string) => void] {
  const [value, setValue] = useState(() => readRemembered(key) ?? otherwise)
  const remember = (next: string) => {
    setValue(next)
    writeRemembered(key, next)
  }
  return [value, remember]
}

export function readRemembered(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null // a page may be refused its storage; it then forgets
  }
}

function writeRemembered(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // as above
  }
}
