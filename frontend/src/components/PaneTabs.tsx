/** Panes of which one is shown, chosen by tabs: with one pane there are no tabs. */

import { type KeyboardEvent, type ReactNode, useId, useRef } from 'react'
import type { MonitorPane, PaneContext } from './monitorPane'

export type PaneTabsProps = {
  label: string
  panes: readonly MonitorPane[]
  chosen: string
  onChoose: (id: string) => void
  context: PaneContext
  /** The key that shows the first pane; the others follow. */
  firstKey?: number | undefined
  /** What stands below the pane. */
  children?: ReactNode
}

export function PaneTabs({ label, panes, chosen, onChoose, context, firstKey, children }: PaneTabsProps) {
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const shown = panes.find(pane => pane.id === chosen) ?? panes[0]
  if (!shown) return null
  if (panes.length === 1)
    return (
      <div className="headway-pane">
        {shown.render(context)}
        {children}
      </div>
    )
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    const next = panes[(panes.indexOf(shown) + by + panes.length) % panes.length]
    if (by === 0 || !next) return
    event.preventDefault()
    onChoose(next.id)
    list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[panes.indexOf(next)]?.focus()
  }
  return (
    <div className="headway-pane">
      <div className="headway-tabs" role="tablist" aria-label={label} ref={list} onKeyDown={onKeyDown}>
        {panes.map((pane, index) => (
          <button
            key={pane.id}
            type="button"
            role="tab"
            id={`${id}-tab-${pane.id}`}
            aria-selected={pane === shown}
            aria-controls={`${id}-panel-${pane.id}`}
            tabIndex={pane === shown ? 0 : -1}
            title={firstKey === undefined ? undefined : `${pane.label} (${firstKey + index})`}
            onClick={() => onChoose(pane.id)}
          >
            {pane.label}
            {firstKey !== undefined && (
              <span className="headway-hotkey" aria-hidden="true">
                {firstKey + index}
              </span>
            )}
          </button>
        ))}
      </div>
      {panes.map(pane => {
        const isShown = pane === shown
        return (
          <div
            key={pane.id}
            className="headway-pane__panel"
            role="tabpanel"
            id={`${id}-panel-${pane.id}`}
            aria-labelledby={`${id}-tab-${pane.id}`}
            hidden={!isShown}
          >
            {(isShown || pane.staysMounted) && pane.render(context)}
          </div>
        )
      })}
      {children}
    </div>
  )
}
