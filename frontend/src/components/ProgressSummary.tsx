import { formatCount, formatCounted, formatDuration, parseTime, timeLeft } from '../core/format'
import { stepsDone } from '../core/stepForest'
import type { HistorySlice, Summary } from '../core/store'
import { useClock } from '../hooks/usePreferences'
import { exactSpan } from './branch'

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
  const { progress, phase, closed } = summary
  const clock = useClock()
  const indeterminate = summary.indeterminate || phase === 'queued'
  const counted = stepCounts(summary, history)
  const started = parseTime(summary.started_at)
  const elapsed = Math.max(0, (closed ? parseTime(summary.ended_at) : asOf) - started)
  const silenceMs = history.history.pace.silenceMs(asOf)
  return (
    <div className="headway-progress">
      <ProgressBar
        progress={progress}
        isKnown={!indeterminate}
        runs={summary.indeterminate && !closed}
        phase={phase}
        counts={counted}
      />
      <div className="headway-progress__facts">
        {!indeterminate && <strong>{formatPercent(progress)}</strong>}
        <span>{counted}</span>
        {!closed && <Counting summary={summary} history={history} />}
        {!closed &&
          live &&
          phase === 'running' &&
          (silenceMs === null ? (
            <TimeLeft
              left={timeLeft(indeterminate ? 0 : progress, elapsed, usualMs)}
              usualMs={usualMs}
              elapsed={elapsed}
            />
          ) : (
            <Silence silenceMs={silenceMs} usualMs={history.history.pace.usualMs()} />
          ))}
        {Number.isFinite(elapsed) && (
          <span
            className="headway-progress__elapsed"
            title={exactSpan(started, closed ? parseTime(summary.ended_at) : null)}
          >
            {formatDuration(elapsed)}
            {!closed && !live && <> as of {clock(asOf)}</>}
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

/** Said where progress has not come for much longer than it usually takes: then nobody can say how much is left. */
function Silence({ silenceMs, usualMs }: { silenceMs: number; usualMs: number | null }) {
  return (
    <span className="headway-progress__silence">
      no progress for {formatDuration(silenceMs)}
      {usualMs !== null && `, usually ${formatDuration(usualMs)}`}
    </span>
  )
}

type BarProps = { progress: number; isKnown: boolean; runs: boolean; phase: string; counts: string }

/** Runs to and fro while nobody knows how much there is; empty where nobody ever knew. */
function ProgressBar({ progress, isKnown, runs, phase, counts }: BarProps) {
  const width = runs ? {} : { transform: `scaleX(${Math.min(100, progress) / 100})` }
  return (
    <div
      className="headway-bar"
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={isKnown ? `${formatPercent(progress)}, ${counts}` : counts}
      {...(isKnown ? { 'aria-valuenow': Math.round(progress) } : {})}
      data-phase={phase}
      data-indeterminate={runs || undefined}
    >
      <div className="headway-bar__fill" style={width} />
    </div>
  )
}

/** "12 of 500 pages", as the workflow says it itself, else of the step that moved last, where it counts. */
function Counting({ summary, history: { history } }: { summary: Summary; history: HistorySlice }) {
  const { done, total, unit, step_id: current } = summary
  if (done !== null) return <span>{formatDone(done, total, unit)}</span>
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
      {track.name}: {formatDone(track.done ?? 0, track.total, track.unit)}
    </span>
  )
}

function formatDone(done: number, total: number | null, unit: string | null): string {
  const noun = unit ?? 'item'
  return total ? `${formatCount(done)} of ${formatCounted(total, noun)}` : formatCounted(done, noun)
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
