import {
  formatClock,
  formatCount,
  formatCounted,
  formatDuration,
  formatExact,
  parseTime,
  timeLeft,
} from '../core/format'
import { stepsDone } from '../core/stepForest'
import type { HistorySlice, Summary } from '../core/store'

export type ProgressSummaryProps = {
  summary: Summary
  history: HistorySlice
  /** The time the clocks show: it stands still while nothing is heard. */
  asOf: number
  live: boolean
  /** How long an execution of the workflow usually takes, where that is known. */
  usualMs: number | null
}

/** Progress bar with percentage or counts, elapsed time and an estimate of what is left. */
export function ProgressSummary({ summary, history, asOf, live, usualMs }: ProgressSummaryProps) {
  const { progress, indeterminate, phase, closed } = summary
  const counted = stepCounts(summary, history)
  const started = parseTime(summary.started_at)
  const elapsed = Math.max(0, (closed ? parseTime(summary.ended_at) : asOf) - started)
  return (
    <div className="headway-progress">
      <ProgressBar
        progress={progress}
        indeterminate={indeterminate && !closed}
        phase={phase}
        counts={counted}
      />
      <div className="headway-progress__facts">
        {!indeterminate && <strong>{formatPercent(progress)}</strong>}
        <span>{counted}</span>
        {!closed && <Counting history={history} current={summary.step_id} />}
        {!closed && live && phase === 'running' && (
          <TimeLeft
            left={timeLeft(indeterminate ? 0 : progress, elapsed, usualMs)}
            usualMs={usualMs}
            elapsed={elapsed}
          />
        )}
        {!closed && live && phase === 'running' && <Silence history={history} asOf={asOf} />}
        {Number.isFinite(elapsed) && (
          <span className="headway-progress__elapsed" title={`started ${formatExact(started)}`}>
            {formatDuration(elapsed)}
            {!closed && !live && <> as of {formatClock(asOf)}</>}
          </span>
        )}
      </div>
    </div>
  )
}

type TimeLeftProps = { left: number | null; usualMs: number | null; elapsed: number }

/** What is left, or how long it usually takes where it has taken longer. */
function TimeLeft({ left, usualMs, elapsed }: TimeLeftProps) {
  if (left !== null)
    return (
      <span title={usualMs === null ? undefined : `usually ${formatDuration(usualMs)} in all`}>
        about {formatDuration(left)} left
      </span>
    )
  if (usualMs === null || elapsed < usualMs) return null
  return <span>usually done in {formatDuration(usualMs)}</span>
}

/** Said where progress has not come for much longer than it usually takes. */
function Silence({ history: { history }, asOf }: { history: HistorySlice; asOf: number }) {
  const silence = history.pace.silenceMs(asOf)
  if (silence === null) return null
  const usual = history.pace.usualMs()
  return (
    <span className="headway-progress__silence">
      no progress for {formatDuration(silence)}
      {usual !== null && `, usually ${formatDuration(usual)}`}
    </span>
  )
}

type BarProps = { progress: number; indeterminate: boolean; phase: string; counts: string }

function ProgressBar({ progress, indeterminate, phase, counts }: BarProps) {
  const width = indeterminate ? {} : { transform: `scaleX(${Math.min(100, progress) / 100})` }
  return (
    <div
      className="headway-bar"
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={indeterminate ? counts : `${formatPercent(progress)}, ${counts}`}
      {...(indeterminate ? {} : { 'aria-valuenow': Math.round(progress) })}
      data-phase={phase}
      data-indeterminate={indeterminate || undefined}
    >
      <div className="headway-bar__fill" style={width} />
    </div>
  )
}

/** "12 of 500 pages" of the step that moved last, where it counts. */
function Counting({ history: { history }, current }: { history: HistorySlice; current: string | null }) {
  const counting = [...history.tracks.values()].filter(
    ({ ended, total }) => ended === null && total !== null && total > 0,
  )
  // A group says more of the whole than the item that moved last.
  const track =
    counting.find(each => each.parent === null && each.id === current) ??
    counting.findLast(each => each.parent === null) ??
    counting.at(-1)
  if (!track || track.total === null) return null
  return (
    <span>
      {track.name}: {formatCount(track.done ?? 0)} of {formatCounted(track.total, track.unit ?? 'item')}
    </span>
  )
}

function stepCounts({ counts, plan, closed }: Summary, { history }: HistorySlice): string {
  const { done, total } = stepsDone(history.tracks, plan, counts)
  if (total === 0) return closed ? 'no steps' : 'no steps yet'
  const grows = !closed && plan.length === 0
  return `${formatCount(done)} of ${formatCounted(total, 'step')}${grows ? ' so far' : ''}`
}

function formatPercent(progress: number): string {
  return `${progress >= 100 ? 100 : Math.floor(progress)} %`
}
