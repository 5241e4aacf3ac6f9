/** The name a person signs with in the log, kept by the browser from one answer or request to the next. */

import { useState } from 'react'

const KEY = 'headway-name'

export function useRememberedName(): [string, (name: string) => void] {
  const [name, setName] = useState(rememberedName)
  const remember = (next: string) => {
    setName(next)
    write(next)
  }
  return [name, remember]
}

/** The name as it is now; empty where none was given. */
export function rememberedName(): string {
  try {
    return localStorage.getItem(KEY) ?? ''
  } catch {
    return '' // a page may be refused its storage; it then forgets
  }
}

function write(name: string): void {
  try {
    localStorage.setItem(KEY, name)
  } catch {
    // as above
  }
}
