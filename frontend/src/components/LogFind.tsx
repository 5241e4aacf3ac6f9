/** The search box of a log: text or expression, where the reader stands among the matches, matches only. */

import { type KeyboardEvent, type RefObject, useId } from 'react'
import { formatCount } from '../core/format'
import type { LogHits } from '../hooks/useLogHits'
import type { SelectedLines } from '../hooks/useLogSelection'
import { Icon, type IconName } from './icons'

export type FindState = { readonly text: string; readonly isRegex: boolean; readonly onlyMatches: boolean }

export type LogFindProps = {
  find: FindState
  onChange: (change: Partial<FindState>) => void
  /** Why the expression is none. */
  error: string | null
  lines: SelectedLines
  hits: LogHits
  inputRef: RefObject<HTMLInputElement | null>
  /** Escape in an empty box, or the arrow down to the lines. */
  onLeave: () => void
}

export function LogFind({ find, onChange, error, lines, hits, inputRef, onLeave }: LogFindProps) {
  const id = useId()
  const isActive = find.text !== ''
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') hits.go(event.shiftKey ? -1 : 1)
    else if (event.key === 'Escape' && isActive) onChange({ text: '' })
    else if (event.key === 'Escape' || event.key === 'ArrowDown') onLeave()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div className="headway-log__find" data-invalid={error ? '' : undefined}>
      <Icon name="search" />
      <label className="headway-visually-hidden" htmlFor={id}>
        Search the log
      </label>
      <input
        id={id}
        ref={inputRef}
        data-key="/"
        type="search"
        placeholder="Search (/)"
        value={find.text}
        aria-invalid={error !== null}
        title={error ?? 'Enter: next match, Shift+Enter: previous, ↓: to the lines'}
        onChange={event => onChange({ text: event.target.value })}
        onKeyDown={onKeyDown}
      />
      {isActive && (
        <span className="headway-log__hits" role="status">
          {error ? 'no expression' : hitsText(lines, hits)}
        </span>
      )}
      {isActive && <FindButton icon="up" label="Previous match" onClick={() => hits.go(-1)} />}
      {isActive && <FindButton icon="down" label="Next match" onClick={() => hits.go(1)} />}
      <FindButton
        label="Regular expression"
        text=".*"
        on={find.isRegex}
        onClick={() => onChange({ isRegex: !find.isRegex })}
      />
      <FindButton
        icon="filter"
        label="Only lines that match"
        on={find.onlyMatches}
        onClick={() => onChange({ onlyMatches: !find.onlyMatches })}
      />
    </div>
  )
}

function hitsText({ selection, searching }: SelectedLines, { ordinal }: LogHits): string {
  const total = selection?.total ?? 0
  const known = `${formatCount(total)}${searching ? '…' : ''}`
  if (total === 0) return searching ? 'searching…' : 'no match'
  return ordinal === null ? known : `${formatCount(ordinal)} of ${known}`
}

type FindButtonProps = { icon?: IconName; text?: string; label: string; on?: boolean; onClick: () => void }

function FindButton({ icon, text, label, on, onClick }: FindButtonProps) {
  return (
    <button
      type="button"
      className="headway-log__tool"
      aria-label={label}
      title={label}
      aria-pressed={on}
      onClick={onClick}
    >
      {icon ? <Icon name={icon} /> : text}
    </button>
  )
}
