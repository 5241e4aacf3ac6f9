import { formatBytes, formatCount, formatDuration, formatExact } from '../core/format'
import type { Track } from '../core/history'
import { parentsOf } from '../core/stepForest'
import { CopyButton } from './CopyButton'
import type { PaneContext } from './monitorPane'
import { StatusBadge } from './StatusBadge'

/** The step that is selected: what is known of it, and what can be done with it. */
export function StepDetails({ context }: { context: PaneContext }) {
  const { step, history, now, selectStep, renderStepActions, summary } = context
  const track = step === null ? undefined : history.history.tracks.get(step)
  if (!track) return null
  const facts = factsOf(track, now)
  const [parent, ...above] = parentsOf(history.history.tracks, track.id)
  const root = above.at(-1)
  return (
    <section className="headway-details" aria-label={`Selected step: ${track.name}`}>
      <div className="headway-details__head">
        <StatusBadge phase={track.status} />
        <strong>{track.name}</strong>
        {parent && <Above track={parent} hotkey="p" onSelect={selectStep} />}
        {root && <Above track={root} hotkey="t" onSelect={selectStep} />}
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

type AboveProps = { track: Track; hotkey: 'p' | 't'; onSelect: PaneContext['selectStep'] }

/** A step that the selected one stands in. */
function Above({ track: { id, name }, hotkey, onSelect }: AboveProps) {
  const what = hotkey === 'p' ? 'The step that it is part of' : 'The outermost step that it is part of'
  return (
    <button
      type="button"
      className="headway-link headway-details__above"
      data-key={hotkey}
      title={`${what}: ${id} (${hotkey})`}
      onClick={() => onSelect(id)}
    >
      in {name}
    </button>
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
