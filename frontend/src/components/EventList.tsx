/** Every event as the server has it: rows fetched as they come into view, each opens to its JSON. */

import './EventList.css'
import { useRef, useState } from 'react'
import type { WorkflowExecutionUpdate } from '../core/events'
import { formatCount, formatExact, parseTime } from '../core/format'
import { useEventRows } from '../hooks/useEventRows'
import { useClock } from '../hooks/usePreferences'
import { useVisibleRows } from '../hooks/useVisibleRows'
import { CopyButton } from './CopyButton'
import { JsonTree } from './JsonTree'
import type { MonitorPane, PaneContext } from './monitorPane'

const ROW_PX = 26

export const eventsTab: MonitorPane = {
  id: 'events',
  label: 'Events',
  render: context => <EventList context={context} />,
}

export function EventList({ context }: { context: PaneContext }) {
  const { api, executionId, summary } = context
  const scroller = useRef<HTMLDivElement>(null)
  const [openSeq, setOpenSeq] = useState<number | null>(null)
  const count = Math.max(summary.lastSeq, summary.seq)
  const { first, end } = useVisibleRows(scroller, count, ROW_PX)
  const { events, error } = useEventRows(api, executionId, first + 1, end, summary.closed)
  const open = openSeq === null ? undefined : events.get(openSeq)
  const seqs = Array.from({ length: end - first }, (_, index) => first + index + 1)
  return (
    <section className="headway-events" aria-label="Events">
      {error && (
        <p className="headway-notice" data-tone="bad" role="alert">
          {error}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long list scrolls in here, by keyboard too */}
      <section className="headway-events__rows" ref={scroller} tabIndex={0} aria-label="All events">
        <div className="headway-events__spacer" style={{ height: count * ROW_PX }}>
          {seqs.map(seq => (
            <EventRow
              key={seq}
              seq={seq}
              event={events.get(seq)}
              isOpen={seq === openSeq}
              onToggle={() => setOpenSeq(seq === openSeq ? null : seq)}
            />
          ))}
        </div>
        {count === 0 && <p className="headway-empty">Nothing has happened yet.</p>}
      </section>
      {open && <OneEvent event={open} onClose={() => setOpenSeq(null)} />}
    </section>
  )
}

type EventRowProps = {
  seq: number
  event: WorkflowExecutionUpdate | undefined
  isOpen: boolean
  onToggle: () => void
}

function EventRow({ seq, event, isOpen, onToggle }: EventRowProps) {
  const at = parseTime(event?.timestamp ?? null)
  const clock = useClock()
  return (
    <button
      type="button"
      className="headway-events__row"
      aria-expanded={isOpen}
      data-type={event?.type}
      style={{ transform: `translateY(${(seq - 1) * ROW_PX}px)` }}
      onClick={onToggle}
    >
      <span className="headway-events__seq">{formatCount(seq)}</span>
      <span title={formatExact(at)}>{clock(at)}</span>
      <span className="headway-events__kind">{event?.kind ?? '…'}</span>
      <span className="headway-events__text">{event && textOf(event)}</span>
    </button>
  )
}

function OneEvent({ event, onClose }: { event: WorkflowExecutionUpdate; onClose: () => void }) {
  return (
    <div className="headway-events__one">
      <div className="headway-events__head">
        <strong>
          {event.kind} <span>#{formatCount(event.seq ?? 0)}</span>
        </strong>
        <CopyButton text={JSON.stringify(event, null, 2)} label="Copy" />
        <button type="button" className="headway-button headway-button--quiet" onClick={onClose}>
          Close
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: as above */}
      <section className="headway-events__json" tabIndex={0} aria-label={`Event ${event.seq}`}>
        <JsonTree key={event.seq} value={event} label={`Event ${event.seq}`} />
      </section>
    </div>
  )
}

/** What a reader wants of an event in one line. */
function textOf({ data, kind }: WorkflowExecutionUpdate): string {
  const { step_id: step, message, error, done, total } = data
  const counts = typeof done === 'number' ? `${done}${typeof total === 'number' ? ` / ${total}` : ''}` : ''
  const words = [kind === 'log' ? '' : step, counts, error ?? message]
  return words.filter(Boolean).join(' · ')
}
