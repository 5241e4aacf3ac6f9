/** What a reader has chosen for all pages, and times as they chose to read them. Knows no storage. */

import { formatAgo, formatExact, formatMoment } from './format'

export const TIME_FORMATS = ['relative', 'local', 'utc'] as const
export type TimeFormat = (typeof TIME_FORMATS)[number]

export type Preferences = { readonly timeFormat: TimeFormat }

export const DEFAULT_PREFERENCES: Preferences = { timeFormat: 'relative' }

/** Read what was stored; anything else than a known choice is the default. */
export function preferencesFromJson(text: string | null): Preferences {
  const stored = parsed(text)
  const format = TIME_FORMATS.find(each => each === stored['timeFormat'])
  return { timeFormat: format ?? DEFAULT_PREFERENCES.timeFormat }
}

/** The format after this one, as a click on a time goes through them. */
export function nextTimeFormat(format: TimeFormat): TimeFormat {
  return TIME_FORMATS[(TIME_FORMATS.indexOf(format) + 1) % TIME_FORMATS.length] ?? 'relative'
}

/** "2 min ago", "14:03:20" or "14:03:20 UTC", with the date where it is not today's; empty for no time. */
export function formatTime(time: number, now: number, format: TimeFormat): string {
  if (!Number.isFinite(time)) return ''
  if (format === 'relative') return formatAgo(now - time)
  return format === 'local' ? formatMoment(time, now) : formatUtc(time, now)
}

/** Both zones, exact, for a tooltip. */
export function formatExactBoth(time: number): string {
  return Number.isFinite(time) ? `${formatExact(time)}\n${new Date(time).toISOString()}` : ''
}

function formatUtc(time: number, now: number): string {
  const [day = '', clock = ''] = new Date(time).toISOString().split('T')
  const today = new Date(now).toISOString().slice(0, 10)
  return `${day === today ? '' : `${day} `}${clock.slice(0, 8)} UTC`
}

function parsed(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
