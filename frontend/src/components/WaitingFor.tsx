import { formatDuration, formatExact, formatMoment, parseTime } from '../core/format'
import type { ControlsSlice } from '../core/store'
import type { WaitState } from '../core/waiting'

/** Said after the word "waiting": until when, for which signal, for whose answer. */
export function WaitingFor({ controls, now }: { controls: ControlsSlice; now: number }) {
  const { waits, approvals } = controls
  const asked = approvals.filter(({ status }) => status === 'open').length
  const parts = waits.slice(0, SHOWN).map(wait => <OneWait key={wait.wait_id} wait={wait} now={now} />)
  const more = waits.length - parts.length
  return (
    <span className="headway-waits">
      {asked > 0 && <span>{asked === 1 ? 'for an answer' : `for ${asked} answers`}</span>}
      {parts}
      {more > 0 && <span>and {more} more</span>}
    </span>
  )
}

/** A row has room for these. */
const SHOWN = 2

function OneWait({ wait, now }: { wait: WaitState; now: number }) {
  const until = parseTime(wait.until)
  const hasEnd = Number.isFinite(until)
  return (
    <span title={hasEnd ? formatExact(until) : undefined}>
      {wait.wait === 'signal' && `for signal ${wait.name ?? ''} `}
      {hasEnd && `until ${formatMoment(until, now)}, in ${formatDuration(until - now)}`}
    </span>
  )
}
