/** The time of a log line as the reader wants it; `''` where there is none. */

export const TIME_STYLES = ['local', 'utc', 'relative', 'off'] as const
export type TimeStyle = (typeof TIME_STYLES)[number]

export function nextTimeStyle(style: TimeStyle): TimeStyle {
  return TIME_STYLES[(TIME_STYLES.indexOf(style) + 1) % TIME_STYLES.length] ?? 'local'
}

const local = clockOf(undefined)
const utc = clockOf('UTC')

/** Lines of one second come together: the last answer is kept. */
function clockOf(timeZone: string | undefined): (time: number) => string {
  const format = new Intl.DateTimeFormat('en', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZone,
  })
  let known = { second: Number.NaN, text: '' }
  return time => {
    const second = Math.floor(time / 1_000)
    if (second !== known.second) known = { second, text: format.format(time) }
    return known.text
  }
}

/** @param startedAt what relative times begin at, in milliseconds since 1970 */
export function formatLogTime(time: number, style: TimeStyle, startedAt: number): string {
  if (!Number.isFinite(time) || style === 'off') return ''
  if (style === 'local') return local(time)
  if (style === 'utc') return `${utc(time)}Z`
  return Number.isFinite(startedAt) ? formatOffset(time - startedAt) : local(time)
}

/** "+0.4", "+12.0", "+2:04.5", "+1:02:03". */
function formatOffset(ms: number): string {
  const sign = ms < 0 ? '-' : '+'
  const tenths = Math.floor(Math.abs(ms) / 100)
  const seconds = Math.floor(tenths / 10)
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 60) return `${sign}${seconds}.${tenths % 10}`
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60]
  if (hours === 0) return `${sign}${minutes}:${two(seconds % 60)}.${tenths % 10}`
  return `${sign}${hours}:${two(minutes)}:${two(seconds % 60)}`
}
