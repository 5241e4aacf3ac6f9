import { formatExactBoth, formatTime, nextTimeFormat } from '../core/preferences'
import { useNow } from '../hooks/useNow'
import { setPreference, usePreferences } from '../hooks/usePreferences'

/** A time as the reader likes to read them: exact on hover; a click changes the format of all of them. */
export function Time({ at }: { at: number }) {
  const { timeFormat } = usePreferences()
  const now = useNow(timeFormat === 'relative')
  if (!Number.isFinite(at)) return null
  return (
    <button
      type="button"
      className="headway-time"
      tabIndex={-1}
      title={`${formatExactBoth(at)}\nclick: relative, local, UTC`}
      onClick={() => setPreference({ timeFormat: nextTimeFormat(timeFormat) })}
    >
      <time dateTime={new Date(at).toISOString()}>{formatTime(at, now, timeFormat)}</time>
    </button>
  )
}
