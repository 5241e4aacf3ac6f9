/** The last runs of a workflow as bars: height is how long one took, colour and shape how it went. */

import type { MouseEvent } from 'react'
import type { Run } from '../api/decodeOverview'
import { formatAgo, formatDuration, parseTime } from '../core/format'

/** So many places, newest at the right. */
export const PLACES = 20
const LOWEST = 0.16

export type RunBarsProps = {
  /** Newest first. */
  runs: readonly Run[]
  now: number
  href: (executionId: string) => string
  onOpen: (executionId: string) => void
}

export function RunBars({ runs, now, href, onOpen }: RunBarsProps) {
  const shown = runs.slice(0, PLACES).reverse()
  const durations = shown.map(run => durationOf(run, now))
  const longest = Math.max(1, ...durations)
  const open = (event: MouseEvent, id: string) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    onOpen(id)
  }
  return (
    <ol className="headway-bars" aria-label={`Last ${shown.length} runs`}>
      {shown.map((run, index) => {
        const told = tell(run, durations[index] ?? 0, now)
        return (
          <li key={run.execution_id}>
            <a
              className="headway-bars__run"
              href={href(run.execution_id)}
              data-phase={run.phase}
              title={told}
              aria-label={told}
              onClick={event => open(event, run.execution_id)}
            >
              <Bar run={run} height={Math.max(LOWEST, Math.sqrt((durations[index] ?? 0) / longest))} />
            </a>
          </li>
        )
      })}
    </ol>
  )
}

/** A cross stands on a failed run, a gap in a cancelled one, and one that goes on is hollow: told without colour. */
function Bar({ run, height }: { run: Run; height: number }) {
  const top = 26 * (1 - height) + 6
  return (
    <svg viewBox="0 0 8 32" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect x="1" y={top} width="6" height={32 - top} rx="1.5" />
      {run.phase === 'failed' && <path d={`M1.5 ${top - 5} l5 4 m0-4 l-5 4`} />}
      {run.phase === 'cancelled' && <path d={`M1 ${(top + 32) / 2} h6`} />}
    </svg>
  )
}

function durationOf({ started_at, ended_at }: Run, now: number): number {
  const started = parseTime(started_at)
  const ended = ended_at === null ? now : parseTime(ended_at)
  return Number.isFinite(started) ? Math.max(0, ended - started) : 0
}

function tell(run: Run, duration: number, now: number): string {
  const ended = parseTime(run.ended_at)
  const when = Number.isFinite(ended) ? `, ${formatAgo(now - ended)}` : ''
  const took =
    run.started_at === null ? '' : ` ${run.ended_at === null ? 'for' : 'in'} ${formatDuration(duration)}`
  return `${run.phase}${took}${when} · ${run.execution_id.slice(-8)}${run.error ? `\n${run.error}` : ''}`
}
