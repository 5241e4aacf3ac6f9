/** The log of an execution: live, searchable as a whole, by level and step, its lines linked and copied. */

import './LogPanel.css'
import { type RefObject, useMemo, useRef } from 'react'
import type { HttpApi } from '../api/http'
import { LogApi } from '../api/log'
import type { ChunkedLog } from '../core/chunks'
import { formatCount } from '../core/format'
import { LEVELS } from '../core/logChunk'
import type { LogFilter } from '../core/logFilter'
import { isEverything } from '../core/logMatch'
import type { LogSlice } from '../core/store'
import { useLinkedInView } from '../hooks/useLinkedInView'
import { type Log, useLog } from '../hooks/useLog'
import { useLogKeys } from '../hooks/useLogKeys'
import { useLogSettings } from '../hooks/useLogSettings'
import { Icon } from './icons'
import { ChosenLines } from './LogChosen'
import { LogFind } from './LogFind'
import { LogMenu } from './LogMenu'
import { LogStatus } from './LogStatus'
import { LogTicks } from './LogTicks'
import type { LogPlace } from './monitorPane'

/** Characters of a line that are read out by themselves. */
const MOST_READ = 300

export type LogPanelProps = {
  slice: LogSlice
  /** Where lines that are not held come from, searches and downloads. */
  api: HttpApi
  /** `null` while it is not known: then what is held is shown. */
  executionId: string | null
  /** Said where there is no line. */
  empty: string
  /** Shows the lines of this step only. */
  stepId?: string | null | undefined
  /** A line's step was pressed, or `null`: the lines of all steps are asked for. */
  onStep?: ((stepId: string | null) => void) | undefined
  /** What is sought and left out, where the owner keeps it, as an address does; else it begins with all lines. */
  filter?: LogFilter | undefined
  onFilter?: ((filter: LogFilter) => void) | undefined
  /** Lines come as they are written: they are counted as new while the reader is elsewhere. */
  live: boolean
  /** How much of what was missed has come, from 0 to 1; `null` where nothing was missed. */
  caughtUp?: number | null | undefined
  /** What relative times begin at, in milliseconds since 1970. */
  startedAt?: number | undefined
  /** Chosen lines stand in the page's address: `#L120-L140`. */
  permalinks?: boolean | undefined
  /** A line to bring into view, once for each object. */
  place?: LogPlace | null | undefined
}

export function LogPanel({ slice, api: http, executionId, empty, ...options }: LogPanelProps) {
  const api = useMemo(() => (executionId ? new LogApi(http, executionId) : null), [http, executionId])
  const { stepId = null, onStep, startedAt = Number.NaN, permalinks = false, place = null, live } = options
  const { filter: given, onFilter, caughtUp = null } = options
  const log = useLog({ slice, api, stepId, onStep, startedAt, permalinks, place, live, given, onFilter })
  const input = useRef<HTMLInputElement>(null)
  const panel = useRef<HTMLElement>(null)
  useLinkedInView(panel, log.chosen && log.isLinked ? log.chosen.first <= slice.lines : null)
  const source = log.lines.selection ?? slice.log
  const onKeyDown = useLogKeys({ log, source, input, onStep })
  const isFiltered = log.shown < slice.lines
  return (
    <section ref={panel} className="headway-log" aria-label="Log" onKeyDown={onKeyDown}>
      <Toolbar log={log} slice={slice} api={api} input={input} stepId={stepId} onStep={onStep} />
      <FailedSearch log={log} />
      <div className="headway-log__frame">
        <div className="headway-log__view" ref={log.view.ref} />
        {caughtUp !== null && (
          <div className="headway-log__missed" aria-hidden="true">
            <div style={{ transform: `scaleX(${caughtUp})` }} />
          </div>
        )}
        <CurrentLines log={log} held={slice.log} />
        <LogTicks hits={log.found} shown={source} lines={slice.lines} />
        {log.shown === 0 && <p className="headway-log__empty">{emptyText(log, isFiltered, empty)}</p>}
        {log.chosen && <ChosenLines log={log} held={slice.log} api={api} range={log.chosen} />}
        {!log.view.following && log.fresh > 0 && (
          <button type="button" className="headway-log__fresh" onClick={() => log.view.setFollow(true)}>
            {formatCount(log.fresh)} new {log.fresh === 1 ? 'line' : 'lines'}
            <Icon name="end" />
          </button>
        )}
      </div>
    </section>
  )
}

/** Tells a screen reader which line the search has come to and which are chosen, and what they say. */
function CurrentLines({ log: { chosen, hits }, held }: { log: Log; held: ChunkedLog }) {
  const textOf = (number: number) => held.text(number, number).slice(0, MOST_READ)
  return (
    <div className="headway-visually-hidden">
      <p aria-live="polite">{hits.current !== null && `Line ${hits.current}: ${textOf(hits.current)}`}</p>
      <p aria-live="polite">
        {chosen &&
          (chosen.first === chosen.last
            ? `Line ${chosen.first} is chosen: ${textOf(chosen.first)}`
            : `Lines ${chosen.first} to ${chosen.last} are chosen`)}
      </p>
    </div>
  )
}

function emptyText({ lines, cleared }: Log, isFiltered: boolean, empty: string): string {
  if (!isFiltered) return empty
  if (lines.searching) return 'Searching…'
  return cleared ? 'The view is cleared; new lines appear here.' : 'No line matches the filter.'
}

type ToolbarProps = {
  log: Log
  slice: LogSlice
  api: LogApi | null
  input: RefObject<HTMLInputElement | null>
  stepId: string | null
  onStep: LogPanelProps['onStep']
}

function Toolbar({ log, slice, api, input, stepId, onStep }: ToolbarProps) {
  const [{ wrap }, change] = useLogSettings()
  const { shown, view } = log
  const isFiltered = shown < slice.lines
  return (
    <div className="headway-log__toolbar">
      <h2 className="headway-visually-hidden">Log</h2>
      <LogFind
        find={log.filter}
        onChange={log.change}
        error={log.error}
        lines={log.found}
        hits={log.hits}
        inputRef={input}
        onLeave={() => view.focus()}
      />
      <LevelFilter minLevel={log.filter.minLevel} onChange={minLevel => log.change({ minLevel })} />
      <LogStatus log={log} lines={slice.lines} stepId={stepId} onAllSteps={onStep && (() => onStep(null))} />
      <span className="headway-log__actions">
        <Toggle
          icon="end"
          label="Follow"
          title="Keep the newest line in view (End)"
          on={view.following}
          onToggle={view.setFollow}
        />
        <Toggle
          icon="wrap"
          label="Wrap"
          title="Wrap long lines"
          on={wrap}
          onToggle={on => change({ wrap: on })}
        />
        {api && (
          <a
            className="headway-button headway-button--quiet"
            href={api.download}
            download
            title="Download the log"
          >
            <Icon name="download" />
            <span className="headway-visually-hidden">Download the log</span>
          </a>
        )}
        <LogMenu
          downloadShown={isFiltered && !isEverything(log.query) ? (api?.downloadOf(log.query) ?? null) : null}
          cleared={log.cleared}
          onClear={log.clear}
        />
      </span>
    </div>
  )
}

function FailedSearch({ log: { lines, found } }: { log: Log }) {
  const failed = lines.failed ?? found.failed
  if (!failed) return null
  const retry = () => {
    lines.retry()
    found.retry()
  }
  return (
    <p className="headway-log__failed">
      Not all lines could be searched: {failed}{' '}
      <button type="button" className="headway-link" onClick={retry}>
        Retry
      </button>
    </p>
  )
}

function LevelFilter({ minLevel, onChange }: { minLevel: number; onChange: (level: number) => void }) {
  return (
    <select
      aria-label="Lowest level shown"
      value={minLevel}
      onChange={event => onChange(Number(event.target.value))}
    >
      {LEVELS.map((level, rank) => (
        <option key={level} value={rank}>
          {rank === 0 ? 'All levels' : `${level.charAt(0)}${level.slice(1).toLowerCase()} and up`}
        </option>
      ))}
    </select>
  )
}

type ToggleProps = {
  icon: 'end' | 'wrap'
  label: string
  title: string
  on: boolean
  onToggle: (on: boolean) => void
}

function Toggle({ icon, label, title, on, onToggle }: ToggleProps) {
  return (
    <button
      type="button"
      className="headway-button headway-button--quiet"
      aria-pressed={on}
      title={title}
      onClick={() => onToggle(!on)}
    >
      <Icon name={icon} />
      <span className="headway-log__label">{label}</span>
    </button>
  )
}
