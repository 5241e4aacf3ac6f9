/** The steps as a plain list: a tree in the order they began, what is planned but not begun grey at its end. */

import { type KeyboardEvent, memo, useRef } from 'react'
import type { PlannedStep } from '../core/events'
import { formatCount, formatCounted, formatDuration } from '../core/format'
import type { Track } from '../core/history'
import type { HistorySlice } from '../core/store'
import type { Row } from '../core/timeline'
import { useStepRows } from '../hooks/useStepRows'
import { useVisibleRows } from '../hooks/useVisibleRows'
import { branchIcon, durationOf, exactSpan, tallyText } from './branch'
import { Icon } from './icons'
import type { MonitorPane, PaneContext } from './monitorPane'
import { NoSteps } from './NoSteps'
import { moveByKey, useRowInView } from './rowKeys'

const ROW_PX = 34

export type StepListProps = {
  slice: HistorySlice
  plan: readonly PlannedStep[]
  now: number
  selected: string | null
  onSelect: (stepId: string | null) => void
  renderActions?: PaneContext['renderStepActions']
}

export const stepsView: MonitorPane = {
  id: 'steps',
  label: 'Steps',
  render: ({ history, summary, now, step, selectStep, renderStepActions }) => (
    <StepList
      slice={history}
      plan={summary.plan}
      now={now}
      selected={step}
      onSelect={selectStep}
      renderActions={summary.closed ? renderStepActions : undefined}
    />
  ),
}

/** Drawn anew by what is told of the steps and by the clock, not by each line of the log. */
export const StepList = memo(function StepList({
  slice,
  plan,
  now,
  selected,
  onSelect,
  renderActions,
}: StepListProps) {
  const scroller = useRef<HTMLElement>(null)
  const steps = useStepRows(slice, plan, now, selected)
  const { rows, toggle } = steps
  const { first, end } = useVisibleRows(scroller, rows.length, ROW_PX)
  const selectedRow = rows.findIndex(({ branch }) => branch.id === selected)
  useRowInView(scroller, selectedRow, ROW_PX)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return
    if (moveByKey(event, steps, selectedRow, onSelect)) event.preventDefault()
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long list scrolls in here, by keyboard too
    <section className="headway-steps" aria-label="Steps" tabIndex={0} ref={scroller} onKeyDown={onKeyDown}>
      {rows.length === 0 && <NoSteps history={slice.history} />}
      <ul style={{ height: rows.length * ROW_PX }}>
        {rows.slice(first, end).map((row, index) => (
          <StepRow
            key={row.branch.id}
            row={row}
            top={(first + index) * ROW_PX}
            now={now}
            selected={first + index === selectedRow}
            onSelect={onSelect}
            onToggle={toggle}
            renderActions={renderActions}
          />
        ))}
      </ul>
    </section>
  )
})

type StepRowProps = {
  row: Row
  top: number
  now: number
  selected: boolean
  onSelect: (stepId: string) => void
  onToggle: (row: Row) => void
  renderActions: StepListProps['renderActions']
}

function StepRow({ row, top, now, selected, onSelect, onToggle, renderActions }: StepRowProps) {
  const { branch, label, depth, open } = row
  const { track, status } = branch
  const note = track?.error ?? (track?.message !== label ? track?.message : null)
  return (
    <li
      className="headway-step"
      data-status={status}
      data-selected={selected}
      style={{ transform: `translateY(${top}px)`, paddingLeft: 4 + Math.min(depth, 6) * 20 }}
    >
      <div className="headway-step__line">
        <Icon name={branchIcon(branch)} />
        <button
          type="button"
          className="headway-step__name"
          aria-pressed={selected}
          title={label}
          onClick={() => onSelect(branch.id)}
        >
          {label}
        </button>
        <span className="headway-visually-hidden">{status}</span>
        {track && track.attempt > 1 && <span className="headway-step__attempt">try {track.attempt}</span>}
        {open !== null && (
          <button
            type="button"
            className="headway-step__fold"
            aria-expanded={open}
            aria-label={`${open ? 'Hide' : 'Show'} the items of ${branch.name}`}
            onClick={() => onToggle(row)}
          >
            <Icon name="open" />
            {tallyText(branch)}
          </button>
        )}
        {note && (
          <span className="headway-step__note" data-error={track?.error !== null} title={note}>
            {note}
          </span>
        )}
        {track?.kind === 'step' && renderActions?.(track)}
        <span
          className="headway-step__fact"
          title={track ? exactSpan(track.started, track.ended) : undefined}
        >
          {track && <Count track={track} />}
          <span>
            {branch.kind === 'planned' ? 'not begun' : formatDuration(durationOf(branch, now) ?? 0)}
          </span>
        </span>
      </div>
      {track && <StepBar track={track} />}
    </li>
  )
}

function Count({ track: { done, total, unit } }: { track: Track }) {
  if (total !== null && total > 0)
    return (
      <span>
        {formatCount(done ?? 0)} / {formatCount(total)}
      </span>
    )
  return done === null ? null : <span>{formatCounted(done, unit ?? 'item')}</span>
}

function StepBar({ track: { ended, done, total } }: { track: Track }) {
  if (ended !== null || total === null || total <= 0) return null
  return (
    <div className="headway-step__bar" aria-hidden="true">
      <div style={{ transform: `scaleX(${Math.min(1, (done ?? 0) / total)})` }} />
    </div>
  )
}
