/** How this browser's reader wants logs: remembered, and the same in all of a page. */

import { useSyncExternalStore } from 'react'
import { TIME_STYLES, type TimeStyle } from '../core/logTime'

export type LogSettings = { readonly wrap: boolean; readonly time: TimeStyle; readonly grouped: boolean }

const KEY = 'headway-log'
const DEFAULTS: LogSettings = { wrap: false, time: 'local', grouped: false }
const listeners = new Set<() => void>()
let current: LogSettings | null = null

export function useLogSettings(): [LogSettings, (change: Partial<LogSettings>) => void] {
  return [useSyncExternalStore(subscribe, logSettings), changeLogSettings]
}

export function logSettings(): LogSettings {
  current ??= read()
  return current
}

export function changeLogSettings(change: Partial<LogSettings>): void {
  current = { ...logSettings(), ...change }
  try {
    localStorage.setItem(KEY, JSON.stringify(current))
  } catch {
    // a page may be refused its storage; it then forgets
  }
  for (const listener of [...listeners]) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function read(): LogSettings {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<
      Record<keyof LogSettings, unknown>
    >
    return {
      wrap: stored.wrap === true,
      time: TIME_STYLES.find(style => style === stored.time) ?? DEFAULTS.time,
      grouped: stored.grouped === true,
    }
  } catch {
    return DEFAULTS
  }
}
