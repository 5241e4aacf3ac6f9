/** What is measured: our log view, and a general virtual list over the same lines. */

import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useReducer, useRef } from 'react'
import { createRoot } from 'react-dom/client'
import type { ChunkedLog } from '../src/core/chunks'
import { LogView } from '../src/core/logView'

const ROW_PX = 20

export interface Subject {
  /** The log grew. */
  changed(): void
  /** Show a line, by its number. */
  toLine(number: number): void
  /** Show the last line, and go on doing so. */
  toEnd(): void
  /** What scrolls. */
  scroller(): HTMLElement
  /** Numbers of the lines on the screen. */
  shown(): number[]
}

export function headway(root: HTMLElement, log: ChunkedLog): Subject {
  const view = new LogView(root, log)
  view.setLive(log.messages)
  const scroller = () => root.querySelector('[role=log]') as HTMLElement
  return {
    changed: () => view.changed(),
    toLine: number => view.scrollToLine(log.indexOf(number, 0)),
    toEnd: () => view.setFollow(true),
    scroller,
    shown: () => visible(scroller(), '.headway-log__row:not([hidden])', '.headway-log__number'),
  }
}

export function reactVirtual(root: HTMLElement, log: ChunkedLog): Subject {
  const handle: ListHandle = { changed: () => {}, toLine: () => {} }
  createRoot(root).render(<VirtualList log={log} handle={handle} />)
  const scroller = () => root.querySelector('[data-scroller]') as HTMLElement
  let following = true
  return {
    changed: () => {
      handle.changed()
      if (following) handle.toLine(log.messages)
    },
    toLine: number => {
      following = false
      handle.toLine(number)
    },
    toEnd: () => {
      following = true
      handle.toLine(log.messages)
    },
    scroller,
    shown: () => visible(scroller(), '[data-row]', '[data-number]'),
  }
}

type ListHandle = { changed(): void; toLine(number: number): void }

function VirtualList({ log, handle }: { log: ChunkedLog; handle: ListHandle }) {
  const [, render] = useReducer((count: number) => count + 1, 0)
  const scroller = useRef<HTMLDivElement>(null)
  const list = useVirtualizer({
    count: log.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 5,
  })
  handle.changed = render
  handle.toLine = number =>
    list.scrollToIndex(number - 1, { align: number === log.messages ? 'end' : 'center' })
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, as our view begins at the end
  useEffect(() => handle.toLine(log.messages), [])
  return (
    <div ref={scroller} data-scroller="" style={{ height: '100%', overflow: 'auto' }}>
      <div style={{ height: list.getTotalSize(), position: 'relative' }}>
        {list.getVirtualItems().map(({ index, key, start }) => (
          <div key={key} data-row="" style={rowStyle(start)}>
            <span data-number="">{index + 1}</span> {log.line(index).text}
          </div>
        ))}
      </div>
    </div>
  )
}

function rowStyle(start: number): React.CSSProperties {
  return {
    position: 'absolute',
    height: ROW_PX,
    font: `12.5px/${ROW_PX}px monospace`,
    whiteSpace: 'pre',
    transform: `translateY(${start}px)`,
  }
}

function visible(scroller: HTMLElement | null, rows: string, number: string): number[] {
  if (!scroller) return []
  const pane = scroller.getBoundingClientRect()
  return [...scroller.querySelectorAll(rows)].flatMap(row => {
    const { top, bottom } = row.getBoundingClientRect()
    const shown = Number(row.querySelector(number)?.textContent)
    return bottom > pane.top + 1 && top < pane.bottom - 1 && shown > 0 ? [shown] : []
  })
}
