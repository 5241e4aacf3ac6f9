/** Times, counts and sizes as people read them; knows no clock. */

/** "< 1 ms", "850 ms", "2.4 s", "12 s", "2 m 04 s", "1 h 05 m", "3 d 02 h". */
export function formatDuration(ms: number): string {
  if (ms < 1) return '< 1 ms'
  if (ms < 1_000) return `${Math.floor(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 10) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`
  const whole = Math.floor(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  if (whole < 60) return `${whole} s`
  if (whole < 3_600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${two(Math.floor(whole / 60) % 60)} m`
  return `${Math.floor(whole / 86_400)} d ${two(Math.floor(whole / 3_600) % 24)} h`
}

/** "2 min ago", of a time in the past. */
export function formatAgo(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 5) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}

const clock = new Intl.DateTimeFormat(undefined, {
  timeStyle: 'medium',
  hourCycle: 'h23',
} as Intl.DateTimeFormatOptions)
const day = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: '2-digit', day: '2-digit' })
const exact = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  timeZoneName: 'short',
  hourCycle: 'h23',
} as Intl.DateTimeFormatOptions)

/** hh:mm:ss of the reader's own time zone; empty for no time. */
export function formatClock(time: number): string {
  return Number.isFinite(time) ? clock.format(time) : ''
}

/** "14:03:20 UTC"; empty for no time. */
export function formatClockUtc(time: number): string {
  return Number.isFinite(time) ? `${new Date(time).toISOString().slice(11, 19)} UTC` : ''
}

/** hh:mm:ss for a time of the same day as `now`, else with its date. */
export function formatMoment(time: number, now: number): string {
  if (!Number.isFinite(time)) return ''
  const isSameDay = new Date(time).toDateString() === new Date(now).toDateString()
  return isSameDay ? clock.format(time) : `${day.format(time)} ${clock.format(time)}`
}

/** Date and time to the millisecond with its zone, for a tooltip. */
export function formatExact(time: number): string {
  return Number.isFinite(time) ? exact.format(time) : ''
}

/** JSON text over several lines; text that is none, such as the beginning of some, stays as it is. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

const number = new Intl.NumberFormat('en')

/** "48,211"; a fraction keeps at most three digits. */
export function formatCount(value: number): string {
  return number.format(value)
}

/** "1 step", "3 steps". */
export function formatCounted(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** "1st", "2nd", "3rd", "11th". */
export function ordinal(value: number): string {
  const [tens, ones] = [value % 100, value % 10]
  const ending = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][ones] ?? 'th')
  return `${value}${ending}`
}

/** "512 B", "14.2 kB", "3.1 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes / 1_000
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1_000
    unit += 1
  }
  return `${value.toFixed(1)} ${units[unit]}`
}

/** Milliseconds since 1970 of an RFC 3339 time; NaN where there is none. */
export function parseTime(time: string | null): number {
  return time === null ? Number.NaN : Date.parse(time)
}

/**
 * Time left: what earlier runs took less what has passed, and more and more what the progress so far says; `null`
 * while either would be a guess.
 *
 * @param progress 0-100
 * @param usualMs how long it usually takes, where that is known
 */
export function timeLeft(progress: number, elapsedMs: number, usualMs: number | null = null): number | null {
  const isTelling = progress >= 2 && progress < 100 && elapsedMs >= 3_000
  const byProgress = isTelling ? (elapsedMs / progress) * (100 - progress) : null
  const byHabit = usualMs !== null && usualMs > elapsedMs && progress < 100 ? usualMs - elapsedMs : null
  if (byProgress === null || byHabit === null) return byProgress ?? byHabit
  return byHabit + (byProgress - byHabit) * (progress / 100)
}
