import { formatBytes, formatCount, formatDuration, formatExact } from '../core/format'
import type { Track } from '../core/history'
import { CopyButton } from './CopyButton'
import type { PaneContext } from './monitorPane'
import { StatusBadge } from './StatusBadge'

/** The step that is selected: what is known of it, and what can be done with it. */
export function StepDetails({ context }: { context: PaneContext }) {
  const { step, history, now, selectStep, renderStepActions, summary } = context
  const track = step === null ? undefined : history.history.tracks.get(step)
  if (!track) return null
  const facts = factsOf(track, now)
  return (
    <section className="headway-details" aria-label={`Selected step: ${track.name}`}>
      <div className="headway-details__head">
        <StatusBadge phase={track.status} />
        <strong>{track.name}</strong>
        {track.kind === 'step' && <CopyButton text={track.id} label={track.id} />}
        <span className="headway-details__actions">
          {summary.closed && track.kind === 'step' && renderStepActions?.(track)}
          <button
            type="button"
            className="headway-button headway-button--quiet"
            onClick={() => selectStep(null)}
          >
            Clear
            <span className="headway-hotkey" aria-hidden="true">
              Esc
            </span>
          </button>
        </span>
      </div>
      <dl className="headway-details__facts">
        {facts.map(([name, value, exact]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd title={exact}>{value}</dd>
          </div>
        ))}
      </dl>
      {track.error && <p className="headway-details__error">{track.error}</p>}
    </section>
  )
}

function factsOf(track: Track, now: number): [name: string, value: string, exact?: string][] {
  const { started, ended, attempt, done, total, unit, message, name } = track
  const facts: [string, string, string?][] = []
  if (Number.isFinite(started)) {
    const until = ended === null ? '' : ` to ${formatExact(ended)}`
    facts.push([
      ended === null ? 'for' : 'took',
      formatDuration((ended ?? now) - started),
      formatExact(started) + until,
    ])
  }
  if (attempt > 1) facts.push(['tries', String(attempt)])
  if (total !== null) facts.push([unit ?? 'items', amount(done ?? 0, unit, total)])
  else if (done !== null) facts.push([unit ?? 'items', formatCount(done)])
  if (message && message !== name) facts.push(['says', message, message])
  return facts
}

function amount(done: number, unit: string | null, total: number): string {
  const format = unit === 'byte' ? formatBytes : formatCount
  return `${format(done)} of ${format(total)}`
}
