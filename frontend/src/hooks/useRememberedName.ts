/** The name a person signs with in the log, kept by the browser from one answer or request to the next. */

import { readRemembered, useRemembered } from './useRemembered'

const KEY = 'headway-name'

export function useRememberedName(): [string, (name: string) => void] {
  return useRemembered(KEY, '')
}

/** The name as it is now; empty where none was given. */
export function rememberedName(): string {
  return readRemembered(KEY) ?? ''
}
