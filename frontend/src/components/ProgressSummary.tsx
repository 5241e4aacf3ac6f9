import type { StepState } from '../core/fold'
import {
  formatClock,
  formatCount,
  formatCounted,
  formatDuration,
  formatExact,
  parseTime,
  timeLeft,
} from '../core/format'
import { stepsDone } from '../core/stepTree'
import type { Summary } from '../core/store'

export type ProgressSummaryProps = {
  summary: Summary
  steps: readonly StepState[]
  /** The time the clocks show: it stands still while nothing is heard. */
  asOf: number
  live: boolean
}

/** Progress bar with percentage or counts, elapsed time and an estimate of what is left. */
export function ProgressSummary({ summary, steps, asOf, live }: ProgressSummaryProps) {
  const { progress, indeterminate, phase, closed } = summary
  const counted = stepCounts(summary, steps)
  const started = parseTime(summary.started_at)
  const elapsed = Math.max(0, (closed ? parseTime(summary.ended_at) : asOf) - started)
  const left = closed || indeterminate || !live ? null : timeLeft(progress, elapsed)
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
        {!closed && <StepCounts steps={steps} current={summary.step_id} />}
        {left !== null && <span>about {formatDuration(left)} left</span>}
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
function StepCounts({ steps, current }: { steps: readonly StepState[]; current: string | null }) {
  const counting = steps.filter(step => step.ended_at === null && step.total !== null && step.total > 0)
  // A group says more of the whole than the item that moved last.
  const step =
    counting.find(each => each.parent === null && each.step_id === current) ??
    counting.findLast(each => each.parent === null) ??
    counting.at(-1)
  if (!step || step.total === null) return null
  return (
    <span>
      {step.name}: {formatCount(step.done ?? 0)} of {formatCounted(step.total, step.unit ?? 'item')}
    </span>
  )
}

function stepCounts({ counts, plan, closed }: Summary, steps: readonly StepState[]): string {
  const { done, total } = stepsDone(steps, plan, counts)
  if (total === 0) return closed ? 'no steps' : 'no steps yet'
  const grows = !closed && plan.length === 0
  return `${formatCount(done)} of ${formatCounted(total, 'step')}${grows ? ' so far' : ''}`
}

function formatPercent(progress: number): string {
  return `${progress >= 100 ? 100 : Math.floor(progress)} %`
}
