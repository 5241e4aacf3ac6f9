/** The events of a range, fetched as it comes into view and kept for a while; one request at a time. */

import { useEffect, useState } from 'react'
import type { HttpApi } from '../api/http'
import type { WorkflowExecutionUpdate } from '../core/events'

const PAGE_EVENTS = 200
/** Beyond it what is far from view is forgotten. */
const KEPT = 4_000
/** New events of a running execution are asked for no more often. */
const PAUSE_MS = 500

export type EventRows = {
  readonly events: ReadonlyMap<number, WorkflowExecutionUpdate>
  readonly error: string | null
}

/** @param first seq of the first wanted; @param last of the last */
export function useEventRows(
  api: HttpApi,
  executionId: string,
  first: number,
  last: number,
  closed: boolean,
): EventRows {
  const [rows, setRows] = useState<EventRows>({ events: new Map(), error: null })
  const missing = firstMissing(rows.events, first, last)
  // What comes after what is here came just now, and more will come: it is asked for in bunches.
  const followsOn = missing !== null && rows.events.has(missing - 1)
  useEffect(() => {
    if (missing === null || executionId === '') return
    const abort = new AbortController()
    const ask = async () => {
      try {
        const page = await api.events(executionId, missing - 1, PAGE_EVENTS, abort.signal)
        setRows(({ events }) => ({ events: joined(events, page.events, missing), error: null }))
      } catch (problem) {
        if (abort.signal.aborted) return
        const error = problem instanceof Error ? problem.message : String(problem)
        setRows(({ events }) => ({ events, error }))
      }
    }
    const timer = setTimeout(ask, followsOn && !closed ? PAUSE_MS : 0)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [api, executionId, missing, closed, followsOn])
  return rows
}

function firstMissing(events: EventRows['events'], first: number, last: number): number | null {
  for (let seq = first; seq <= last; seq++) if (!events.has(seq)) return seq
  return null
}

function joined(
  events: EventRows['events'],
  more: readonly WorkflowExecutionUpdate[],
  around: number,
): Map<number, WorkflowExecutionUpdate> {
  const kept = events.size + more.length > KEPT ? near(events, around) : events
  const all = new Map(kept)
  for (const event of more) if (event.seq !== undefined) all.set(event.seq, event)
  return all
}

function near(events: EventRows['events'], around: number): Map<number, WorkflowExecutionUpdate> {
  return new Map([...events].filter(([seq]) => Math.abs(seq - around) < KEPT / 4))
}
