/** What the reader has chosen for all pages, kept by the browser and the same in all its tabs. */

import { useSyncExternalStore } from 'react'
import { formatClock, formatClockUtc } from '../core/format'
import { DEFAULT_PREFERENCES, type Preferences, preferencesFromJson } from '../core/preferences'

const KEY = 'headway-preferences'
const listeners = new Set<() => void>()
let current: Preferences | null = null

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences)
}

/** Tells a time of day in the reader's time zone, or in UTC where all times are told so. */
export function useClock(): (time: number) => string {
  return usePreferences().timeFormat === 'utc' ? formatClockUtc : formatClock
}

export function preferences(): Preferences {
  current ??= read()
  return current
}

export function setPreference(change: Partial<Preferences>): void {
  current = { ...preferences(), ...change }
  try {
    localStorage.setItem(KEY, JSON.stringify(current))
  } catch {
    // a page may be refused its storage; the choice then holds until it is closed
  }
  tell()
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) addEventListener('storage', onStorage)
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) removeEventListener('storage', onStorage)
  }
}

/** Another tab has chosen. */
function onStorage({ key }: StorageEvent): void {
  if (key !== KEY && key !== null) return
  current = read()
  tell()
}

function tell(): void {
  for (const each of [...listeners]) each()
}

function read(): Preferences {
  try {
    return preferencesFromJson(localStorage.getItem(KEY))
  } catch {
    return DEFAULT_PREFERENCES
  }
}
