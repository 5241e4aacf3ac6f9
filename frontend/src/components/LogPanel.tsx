import { useEffect, useId, useRef, useState } from 'react'
import { ChunkedLog, FilteredLog, LEVELS, type LogSource, logMatch } from '../core/chunks'
import { formatCount } from '../core/format'
import { LogView } from '../core/logView'
import type { LogSlice } from '../core/store'
import { Icon } from './icons'

export type LogPanelProps = { slice: LogSlice; downloadHref: string | null; empty: string }

/** The live log with its toolbar: text and level filter, follow, wrap, download. */
export function LogPanel({ slice, downloadHref, empty }: LogPanelProps) {
  const [text, setText] = useState('')
  const [minLevel, setMinLevel] = useState(0)
  const [wrap, setWrap] = useState(false)
  const view = useLogView(slice, text, minLevel, wrap)
  const filtered = text !== '' || minLevel > 0
  return (
    <section className="headway-log" aria-label="Log">
      <div className="headway-log__toolbar">
        <h2 className="headway-heading">Log</h2>
        <span className="headway-log__count">
          {filtered ? `${formatCount(view.shown)} of ${formatCount(slice.lines)}` : formatCount(slice.lines)}
          <span className="headway-visually-hidden"> lines</span>
        </span>
        <TextFilter text={text} onChange={setText} />
        <LevelFilter minLevel={minLevel} onChange={setMinLevel} />
        <span className="headway-log__actions">
          <Toggle
            icon="end"
            label="Follow"
            title="Keep the newest line in view (End)"
            on={view.following}
            onToggle={view.setFollow}
          />
          <Toggle icon="wrap" label="Wrap" title="Wrap long lines" on={wrap} onToggle={setWrap} />
          {downloadHref && (
            <a
              className="headway-button headway-button--quiet"
              href={downloadHref}
              download
              title="Download the log"
            >
              <Icon name="download" />
              <span className="headway-visually-hidden">Download the log</span>
            </a>
          )}
        </span>
      </div>
      <div className="headway-log__frame">
        <div className="headway-log__view" ref={view.ref} />
        {view.shown === 0 && (
          <p className="headway-log__empty">{slice.lines === 0 ? empty : 'No line matches the filter.'}</p>
        )}
        {!view.following && view.fresh > 0 && (
          <button type="button" className="headway-log__fresh" onClick={() => view.setFollow(true)}>
            {formatCount(view.fresh)} new {view.fresh === 1 ? 'line' : 'lines'}
            <Icon name="end" />
          </button>
        )}
      </div>
    </section>
  )
}

type LogHandle = {
  ref: React.RefObject<HTMLDivElement | null>
  following: boolean
  setFollow: (following: boolean) => void
  /** Lines the filter lets through. */
  shown: number
  /** Lines that came since the reader stopped following. */
  fresh: number
}

/** Bind the view, which paints by itself, to the slice and the toolbar. */
function useLogView({ log, lines }: LogSlice, text: string, minLevel: number, wrap: boolean): LogHandle {
  const ref = useRef<HTMLDivElement>(null)
  const view = useRef<LogView | null>(null)
  const source = useRef<LogSource>(log)
  const [following, setFollowing] = useState(true)
  const [pausedAt, setPausedAt] = useState<number | null>(null)
  const [shown, setShown] = useState(0)

  useEffect(() => {
    if (!ref.current) return
    const onFollow = (on: boolean) => {
      setFollowing(on)
      setPausedAt(source.current.count)
    }
    const made = new LogView(ref.current, new ChunkedLog(), { onFollow })
    view.current = made
    return () => made.destroy()
  }, [])

  useEffect(() => {
    source.current = text === '' && minLevel === 0 ? log : new FilteredLog(log, logMatch(text, minLevel))
    setPausedAt(null)
    view.current?.setSource(source.current)
  }, [log, text, minLevel])

  useEffect(() => view.current?.setWrap(wrap), [wrap])

  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines and new filters both mean there is more to show
  useEffect(() => {
    let frame = 0
    const advance = () => {
      const filter = source.current
      const more = filter instanceof FilteredLog && filter.advance()
      setShown(filter.count)
      if (!more) setPausedAt(before => before ?? filter.count)
      view.current?.changed()
      if (more) frame = requestAnimationFrame(advance)
    }
    advance()
    return () => cancelAnimationFrame(frame)
  }, [lines, log, text, minLevel])

  const setFollow = (on: boolean) => view.current?.setFollow(on)
  return { ref, following, setFollow, shown, fresh: Math.max(0, shown - (pausedAt ?? shown)) }
}

function TextFilter({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const id = useId()
  return (
    <span className="headway-log__search">
      <Icon name="search" />
      <label className="headway-visually-hidden" htmlFor={id}>
        Filter the log by text
      </label>
      <input
        id={id}
        type="search"
        placeholder="Filter"
        value={text}
        onChange={event => onChange(event.target.value)}
      />
    </span>
  )
}

function LevelFilter({ minLevel, onChange }: { minLevel: number; onChange: (level: number) => void }) {
  const id = useId()
  return (
    <>
      <label className="headway-visually-hidden" htmlFor={id}>
        Lowest level shown
      </label>
      <select id={id} value={minLevel} onChange={event => onChange(Number(event.target.value))}>
        {LEVELS.map((level, rank) => (
          <option key={level} value={rank}>
            {rank === 0 ? 'All levels' : `${level.charAt(0)}${level.slice(1).toLowerCase()} and up`}
          </option>
        ))}
      </select>
    </>
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
      {label}
    </button>
  )
}
