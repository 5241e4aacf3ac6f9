/** When each step ran, on one axis of time: a pooled row a step, bars that grow by one clock, idle time folded. */

import './Timeline.css'
import { type KeyboardEvent, memo, useId, useMemo, useRef } from 'react'
import type { PlannedStep } from '../core/events'
import { formatDuration } from '../core/format'
import type { HistorySlice } from '../core/store'
import { busyTimes } from '../core/timeline'
import { idleGaps, roomOf, TimeScale, ticks } from '../core/timeScale'
import { useClock } from '../hooks/usePreferences'
import { useSize } from '../hooks/useSize'
import { useStepRows } from '../hooks/useStepRows'
import { useTimeWindow } from '../hooks/useTimeWindow'
import { useVisibleRows } from '../hooks/useVisibleRows'
import type { MonitorPane } from './monitorPane'
import { NoSteps } from './NoSteps'
import { moveByKey, useRowInView } from './rowKeys'
import { TIMELINE_ROW_PX, TimelineRow } from './TimelineRow'

export type TimelineProps = {
  slice: HistorySlice
  plan: readonly PlannedStep[]
  /** The time up to which bars reach that have not ended. */
  now: number
  /** Whether that is the present; else it is when the server was last heard. */
  live?: boolean
  selected: string | null
  onSelect: (stepId: string | null) => void
}

export const timelineView: MonitorPane = {
  id: 'timeline',
  label: 'Timeline',
  render: ({ history, summary, now, isPresent, step, selectStep }) => (
    <Timeline
      slice={history}
      plan={summary.plan}
      now={now}
      live={isPresent}
      selected={step}
      onSelect={selectStep}
    />
  ),
}

/** Drawn anew by what is told of the steps and by the clock, not by each line of the log. */
export const Timeline = memo(function Timeline({
  slice,
  plan,
  now,
  live = true,
  selected,
  onSelect,
}: TimelineProps) {
  const id = useId()
  const scroller = useRef<HTMLDivElement>(null)
  const axis = useRef<HTMLDivElement>(null)
  const { width } = useSize(axis)
  const steps = useStepRows(slice, plan, now, selected)
  const { forest, rows, toggle } = steps
  const visible = useVisibleRows(scroller, rows.length, TIMELINE_ROW_PX)
  const [from, to] = endsOf(slice, now)
  const gaps = useMemo(() => idleGaps(busyTimes(forest, to), from, to), [forest, from, to])
  const scale = useMemo(() => new TimeScale(from, to, gaps), [from, to, gaps])
  const time = useTimeWindow(axis, scroller, scale.length)
  const { shown } = time
  const perMs = width / (shown.to - shown.from)
  const place = (offset: number) => (offset - shown.from) * perMs
  // The axis ends at the present while the execution runs.
  const isNowShown = Number.isNaN(slice.history.endedAt) && shown.to >= scale.length
  const clock = useClock()
  const present = live ? 'now' : clock(now)
  const marks = ticks(scale, shown, width, isNowShown ? width - roomOf(present) : width)
  const selectedRow = rows.findIndex(({ branch }) => branch.id === selected)
  useRowInView(scroller, selectedRow, TIMELINE_ROW_PX)

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (moveByKey(event, steps, selectedRow, onSelect) || time.onKey(event.key)) event.preventDefault()
  }
  return (
    <section className="headway-timeline" aria-label="Timeline">
      <div className="headway-timeline__head">
        <ZoomButtons time={time} />
        <div
          className="headway-timeline__axis"
          ref={axis}
          title="Drag to show a part of it"
          aria-hidden="true"
        >
          {marks.map(({ offset, label }) => (
            <span key={offset} style={{ transform: `translateX(${place(offset)}px)` }}>
              {label}
            </span>
          ))}
          {isNowShown && <b>{present}</b>}
          {time.dragged && (
            <i style={{ left: time.dragged.from, width: time.dragged.to - time.dragged.from }} />
          )}
        </div>
      </div>
      <div
        className="headway-timeline__rows"
        ref={scroller}
        role="tree"
        aria-busy={(rows.length === 0 && Number.isNaN(slice.history.endedAt)) || undefined}
        aria-label="Steps on the time axis"
        aria-activedescendant={selectedRow >= 0 ? `${id}-${selectedRow}` : undefined}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <div
          className="headway-timeline__spacer"
          role="presentation"
          style={{ height: rows.length * TIMELINE_ROW_PX }}
        >
          <div className="headway-timeline__grid" aria-hidden="true">
            {marks.map(({ offset }) => (
              <i key={offset} style={{ transform: `translateX(${place(offset)}px)` }} />
            ))}
            {isNowShown && <em />}
            {scale.folds.map(fold => (
              <b
                key={fold.from}
                style={{ transform: `translateX(${place(fold.offset)}px)`, width: fold.length * perMs }}
              />
            ))}
            {scale.folds.map(fold => (
              <span
                key={fold.from}
                style={{
                  transform: `translateX(${labelPlace(place(fold.offset + fold.length / 2), width)}px)`,
                }}
              >
                {formatDuration(fold.to - fold.from)}
              </span>
            ))}
          </div>
          {rows.slice(visible.first, visible.end).map((row, index) => {
            const place = visible.first + index
            return (
              <TimelineRow
                key={place % (visible.fitting * 2 + 16)}
                id={`${id}-${place}`}
                row={row}
                top={place * TIMELINE_ROW_PX}
                scale={scale}
                shown={shown}
                widthPx={width}
                now={to}
                selected={place === selectedRow}
                onSelect={onSelect}
                onToggle={toggle}
              />
            )
          })}
        </div>
        {rows.length === 0 && <NoSteps history={slice.history} className="headway-timeline__empty" />}
      </div>
    </section>
  )
})

function ZoomButtons({ time }: { time: ReturnType<typeof useTimeWindow> }) {
  return (
    <span className="headway-timeline__zoom">
      <button type="button" aria-label="Zoom out" title="Zoom out (−)" onClick={() => time.zoom(1.6)}>
        −
      </button>
      <button
        type="button"
        aria-label="Zoom in"
        title="Zoom in (+, or Ctrl and the wheel)"
        onClick={() => time.zoom(1 / 1.6)}
      >
        +
      </button>
      <button type="button" disabled={time.isWhole} title="Show all of it (0)" onClick={time.fit}>
        Fit
      </button>
    </span>
  )
}

/** Half of what the label of a fold takes, and half of it outside of view is out of view. */
const FOLD_LABEL_PX = 28

function labelPlace(middle: number, width: number): number {
  if (middle < 0 || middle > width) return middle
  return Math.min(width - FOLD_LABEL_PX, Math.max(FOLD_LABEL_PX, middle))
}

/** From the start, or what there is of it, to the end or now. */
function endsOf({ history }: HistorySlice, now: number): [number, number] {
  const [first] = history.tracks.values()
  const times = [history.startedAt, first?.started ?? Number.NaN, history.queuedAt]
  const from = times.find(time => Number.isFinite(time)) ?? now
  const to = Number.isFinite(history.endedAt) ? history.endedAt : now
  return [from, Math.max(to, from + 1, history.pace.lastAt || 0)]
}
