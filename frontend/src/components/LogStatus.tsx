/** What a log panel shows of the log: how many lines, of which step; and the way back to all of them. */

import { formatCount, formatCounted } from '../core/format'
import { LEVELS } from '../core/logChunk'
import type { Log } from '../hooks/useLog'
import { Icon } from './icons'

export type LogStatusProps = {
  log: Log
  /** Of the whole log. */
  lines: number
  /** The step whose lines are shown alone. */
  stepId: string | null
  /** Absent where the step is not the reader's to choose. */
  onAllSteps: (() => void) | undefined
}

export function LogStatus({ log, lines, stepId, onAllSteps }: LogStatusProps) {
  const { shown, filter, cleared, change, clear } = log
  const hidden = lines - shown
  const isHiding = hidden > 0 && !log.lines.searching && (filter.minLevel > 0 || cleared)
  const showAll = () => {
    change({ minLevel: 0 })
    clear(false)
  }
  return (
    <div className="headway-log__status">
      <span className="headway-log__count">
        {hidden > 0 && `${formatCount(shown)}${log.lines.searching ? '…' : ''} of `}
        {formatCounted(lines, 'line')}
      </span>
      {stepId !== null && <StepChip stepId={stepId} onAllSteps={onAllSteps} />}
      {isHiding && (
        <button
          type="button"
          className="headway-link"
          title={whatIsHidden(hidden, filter.minLevel, cleared)}
          onClick={showAll}
        >
          Show all
        </button>
      )}
    </div>
  )
}

/** Nothing is hidden in silence. */
function whatIsHidden(hidden: number, minLevel: number, cleared: boolean): string {
  const why = [
    minLevel > 0 && `below ${LEVELS[minLevel]?.toLowerCase()}`,
    cleared && 'from before the view was cleared',
  ].filter(Boolean)
  return `${formatCounted(hidden, 'line')} ${hidden === 1 ? 'is' : 'are'} hidden: ${why.join(', or ')}`
}

function StepChip({ stepId, onAllSteps }: Pick<LogStatusProps, 'onAllSteps'> & { stepId: string }) {
  return (
    <span className="headway-log__chip" title={`Only the lines of ${stepId}`}>
      <span>
        <span className="headway-visually-hidden">of step </span>
        {stepId}
      </span>
      {onAllSteps && (
        <button type="button" aria-label="Show the lines of all steps" onClick={onAllSteps}>
          <Icon name="failed" />
        </button>
      )}
    </span>
  )
}
