import { formatCount, formatDuration, formatExact } from '../core/format'
import type { Span } from '../core/history'
import { type Bar, barsOf, type Row, spansOf } from '../core/timeline'
import type { TimeScale, Window } from '../core/timeScale'
import { branchIcon, durationOf, exactSpan, shortTally, spokenBranch, tallyText } from './branch'
import { Icon } from './icons'

export const TIMELINE_ROW_PX = 28

export type TimelineRowProps = {
  id: string
  row: Row
  top: number
  scale: TimeScale
  shown: Window
  widthPx: number
  now: number
  selected: boolean
  onSelect: (stepId: string) => void
  onToggle: (row: Row) => void
}

/** One step, bundle or wait: its name, its bars, how long it took. */
export function TimelineRow(props: TimelineRowProps) {
  const { row, top, scale, shown, widthPx, now, selected } = props
  const { branch, label, depth, open } = row
  const { track, status } = branch
  const bars = barsOf(spansOf(branch, open), scale, shown, widthPx, now)
  const took = durationOf(branch, now)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the focus, and moves the selection by its keys
    <div
      id={props.id}
      className="headway-timeline__row"
      role="treeitem"
      aria-level={depth + 1}
      aria-selected={selected}
      aria-expanded={open ?? undefined}
      aria-label={spokenBranch(branch, label, took)}
      tabIndex={-1}
      data-status={status}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => props.onSelect(branch.id)}
    >
      <span className="headway-timeline__label" style={{ paddingLeft: 8 + Math.min(depth, 6) * 14 }}>
        {open === null ? (
          <Icon name={branchIcon(branch)} />
        ) : (
          <button
            type="button"
            className="headway-timeline__fold"
            tabIndex={-1}
            aria-label={`${open ? 'Hide' : 'Show'} the items of ${branch.name}`}
            data-open={open}
            onClick={event => {
              event.stopPropagation()
              props.onToggle(row)
            }}
          >
            <Icon name="open" />
          </button>
        )}
        <span className="headway-timeline__name" title={label}>
          {label}
        </span>
        {track && track.attempt > 1 && <span className="headway-step__attempt">try {track.attempt}</span>}
        {branch.tally.items > 0 && (
          <span className="headway-timeline__tally" title={tallyText(branch)}>
            {shortTally(branch)}
          </span>
        )}
      </span>
      <span className="headway-timeline__bars" aria-hidden="true">
        {bars.map((bar, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: bars have no identity; a pooled row draws others in its place
          <BarShape key={index} bar={bar} now={now} />
        ))}
      </span>
      <span
        className="headway-timeline__took"
        title={track ? exactSpan(track.started, track.ended) : undefined}
      >
        {took === null ? '' : formatDuration(took)}
      </span>
    </div>
  )
}

function BarShape({ bar, now }: { bar: Bar; now: number }) {
  const { kind, status, left, width } = bar
  return (
    <i
      className="headway-timeline__bar"
      data-kind={kind}
      data-status={status}
      title={barTitle(bar, now)}
      style={{ transform: `translateX(${left}px)`, width }}
    >
      {status === 'failed' && kind === 'attempt' && width > 12 && <Icon name="failed" />}
    </i>
  )
}

const KINDS: Record<Span['kind'], string> = {
  attempt: 'try',
  backoff: 'wait before the next try',
  wait: 'wait',
  approval: 'question',
}

function barTitle({ span, count, status }: Bar, now: number): string {
  const { kind, from, to, attempt, note } = span
  const what = kind === 'attempt' ? `${KINDS.attempt} ${attempt}` : KINDS[kind]
  const took = formatDuration((to ?? now) - from)
  const many = count > 1 ? ` (and ${formatCount(count - 1)} more here)` : ''
  return [`${what}: ${status}, ${took}${many}`, formatExact(from), note].filter(Boolean).join('\n')
}
