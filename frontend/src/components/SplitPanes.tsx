/** Two panes side by side with a border to drag between them, its place remembered; one above the other where narrow. */

import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef } from 'react'
import { useRemembered } from '../hooks/useRemembered'

const LEAST = 20
const MOST = 80
const AT_FIRST = 46

export function SplitPanes({ first, second }: { first: ReactNode; second: ReactNode }) {
  const frame = useRef<HTMLDivElement>(null)
  const [text, setText] = useRemembered('headway-split', String(AT_FIRST))
  const share = held(Number.parseFloat(text) || AT_FIRST)
  const set = (value: number) => setText(held(value).toFixed(1))
  const onPointerMove = (event: PointerEvent) => {
    if (!frame.current || !event.currentTarget.hasPointerCapture(event.pointerId)) return
    const { left, width } = frame.current.getBoundingClientRect()
    set(((event.clientX - left) / width) * 100)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowLeft' ? -2 : event.key === 'ArrowRight' ? 2 : 0
    if (by === 0) return
    event.preventDefault()
    set(share + by)
  }
  return (
    <div className="headway-split" ref={frame} style={{ ['--split' as string]: `${share}%` }}>
      {first}
      {/* biome-ignore lint/a11y/useSemanticElements: an <hr> takes no focus and has no value */}
      <div
        className="headway-split__border"
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the steps"
        aria-valuenow={Math.round(share)}
        aria-valuemin={LEAST}
        aria-valuemax={MOST}
        tabIndex={0}
        onPointerDown={event => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={onPointerMove}
        onKeyDown={onKeyDown}
        onDoubleClick={() => set(AT_FIRST)}
      />
      {second}
    </div>
  )
}

function held(value: number): number {
  return Math.min(MOST, Math.max(LEAST, value))
}
