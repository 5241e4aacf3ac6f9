import { formatExactBoth, formatTime, nextTimeFormat, type TimeFormat } from '../core/preferences'
import { changeLogSettings, logSettings } from '../hooks/useLogSettings'
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
      onClick={() => choose(nextTimeFormat(timeFormat))}
    >
      <time dateTime={new Date(at).toISOString()}>{formatTime(at, now, timeFormat)}</time>
    </button>
  )
}

/** The lines of a log that tell the time of day tell it in the same zone. */
function choose(timeFormat: TimeFormat): void {
  setPreference({ timeFormat })
  const { time } = logSettings()
  if (time === 'local' || time === 'utc') changeLogSettings({ time: timeFormat === 'utc' ? 'utc' : 'local' })
}
