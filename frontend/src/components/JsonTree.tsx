/** A JSON value as a tree that opens: of a large one only what is open is made. */

import { useState } from 'react'
import { formatCount } from '../core/format'

/** So many levels are open at first, and so many entries are shown until more are asked for. */
const OPEN_LEVELS = 2
const SHOWN = 100
const OPEN_ENTRIES = 20

export type JsonTreeProps = { value: unknown; label: string }

export function JsonTree({ value, label }: JsonTreeProps) {
  return (
    <ul className="headway-json" aria-label={label}>
      <Node name={null} value={value} level={0} />
    </ul>
  )
}

type NodeProps = { name: string | null; value: unknown; level: number }

function Node({ name, value, level }: NodeProps) {
  const entries = entriesOf(value)
  const [open, setOpen] = useState(
    level < OPEN_LEVELS && (level === 0 || (entries?.length ?? 0) <= OPEN_ENTRIES),
  )
  const [limit, setLimit] = useState(SHOWN)
  if (!entries || entries.length === 0)
    return (
      <li>
        <Name name={name} />
        <Leaf value={value} />
      </li>
    )
  const isList = Array.isArray(value)
  const count = `${formatCount(entries.length)} ${isList ? 'items' : 'keys'}`
  return (
    <li>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Name name={name} />
        <span className="headway-json__brace">{isList ? '[' : '{'}</span>
        {!open && (
          <span className="headway-json__folded">
            {count} {isList ? ']' : '}'}
          </span>
        )}
      </button>
      {open && (
        <>
          <ul>
            {entries.slice(0, limit).map(([key, item]) => (
              <Node key={key} name={isList ? null : key} value={item} level={level + 1} />
            ))}
          </ul>
          {entries.length > limit && (
            <button type="button" className="headway-link" onClick={() => setLimit(limit * 10)}>
              {formatCount(entries.length - limit)} more
            </button>
          )}
          <span className="headway-json__brace">{isList ? ']' : '}'}</span>
        </>
      )}
    </li>
  )
}

function Name({ name }: { name: string | null }) {
  return name === null ? null : <span className="headway-json__name">{name}: </span>
}

function Leaf({ value }: { value: unknown }) {
  const kind = value === null ? 'null' : typeof value
  return (
    <span className="headway-json__leaf" data-kind={kind}>
      {JSON.stringify(value) ?? 'undefined'}
    </span>
  )
}

function entriesOf(value: unknown): [string, unknown][] | null {
  return typeof value === 'object' && value !== null ? Object.entries(value) : null
}
