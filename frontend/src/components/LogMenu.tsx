/** What is set once and kept: times, groups, downloads, and a cleared view. */

import { useEffect, useId, useRef } from 'react'
import type { TimeStyle } from '../core/logTime'
import { useLogSettings } from '../hooks/useLogSettings'
import { Icon } from './icons'

const TIMES: Record<TimeStyle, string> = {
  local: 'Local time',
  utc: 'UTC',
  relative: 'Since the start',
  off: 'Off',
}

export type LogMenuProps = {
  /** Of what the filters show. */
  downloadShown: string | null
  cleared: boolean
  onClear: (clear: boolean) => void
}

export function LogMenu({ downloadShown, cleared, onClear }: LogMenuProps) {
  const [settings, change] = useLogSettings()
  const menu = useMenu()
  const id = useId()
  return (
    <details className="headway-log__menu" ref={menu}>
      <summary className="headway-button headway-button--quiet" aria-label="More" title="More">
        <Icon name="more" />
      </summary>
      <div className="headway-log__sheet">
        <label htmlFor={id}>Times</label>
        <select
          id={id}
          value={settings.time}
          onChange={event => change({ time: event.target.value as TimeStyle })}
        >
          {Object.entries(TIMES).map(([style, label]) => (
            <option key={style} value={style}>
              {label}
            </option>
          ))}
        </select>
        <label className="headway-log__check">
          <input
            type="checkbox"
            checked={settings.grouped}
            onChange={event => change({ grouped: event.target.checked })}
          />
          Group the lines of a step
        </label>
        <button type="button" onClick={() => onClear(!cleared)}>
          {cleared ? 'Show the cleared lines again' : 'Clear the view'}
        </button>
        {downloadShown && (
          <a href={downloadShown} download>
            Download these lines
          </a>
        )}
      </div>
    </details>
  )
}

/** A menu closes when something else is pressed, or Escape. */
function useMenu() {
  const menu = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    const onPointer = (event: PointerEvent) => {
      if (menu.current?.open && !menu.current.contains(event.target as Node)) menu.current.open = false
    }
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || !menu.current?.open) return
      menu.current.open = false
      menu.current.querySelector('summary')?.focus()
      event.stopPropagation()
    }
    addEventListener('pointerdown', onPointer)
    addEventListener('keydown', onKey, true)
    return () => {
      removeEventListener('pointerdown', onPointer)
      removeEventListener('keydown', onKey, true)
    }
  }, [])
  return menu
}
