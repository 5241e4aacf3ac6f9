/** The part of a time axis that is shown: all of it until the reader zooms, by buttons, keys, wheel or dragging. */

import { type RefObject, useEffect, useRef, useState } from 'react'
import { moved, type Window, zoomed } from '../core/timeScale'

/** A shorter drag is a click. */
const DRAG_PX = 6

export type TimeWindow = {
  readonly shown: Window
  readonly isWhole: boolean
  /** What is being dragged over, in pixels of the axis. */
  readonly dragged: Window | null
  /** Show more (factor above 1) or less, around the middle. */
  zoom(factor: number): void
  fit(): void
  /** Returns whether the key means something here. */
  onKey(key: string): boolean
}

/**
 * @param axis where a drag chooses what to show
 * @param rows where the wheel zooms with Ctrl held
 * @param length of the axis, as an offset
 */
export function useTimeWindow(
  axis: RefObject<HTMLElement | null>,
  rows: RefObject<HTMLElement | null>,
  length: number,
): TimeWindow {
  const [chosen, setChosen] = useState<Window | null>(null)
  const [dragged, setDragged] = useState<Window | null>(null)
  const shown = chosen ? moved(chosen, 0, length) : { from: 0, to: length }
  const current = useRef({ shown, length })
  useEffect(() => {
    current.current = { shown, length }
  })
  const choose = ({ from, to }: Window) => {
    const all = current.current.length
    setChosen(to - from >= all * 0.999 ? null : { from, to })
  }
  const zoom = (factor: number, share = 0.5) => {
    const { shown, length } = current.current
    choose(zoomed(shown, factor, shown.from + share * (shown.to - shown.from), length))
  }
  const onKey = (key: string) => {
    const by = (shown.to - shown.from) / 4
    if (key === '+' || key === '=') zoom(1 / 1.6)
    else if (key === '-') zoom(1.6)
    else if (key === '0') setChosen(null)
    else if (key === '[') choose(moved(shown, -by, length))
    else if (key === ']') choose(moved(shown, by, length))
    else return false
    return true
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: the handlers read what is current when they are called
  useEffect(() => {
    const [strip, list] = [axis.current, rows.current]
    if (!strip || !list) return
    const placeOf = (event: MouseEvent) => {
      const { left, width } = strip.getBoundingClientRect()
      return { x: Math.min(width, Math.max(0, event.clientX - left)), width }
    }
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault() // the page would zoom
      const { x, width } = placeOf(event)
      zoom(Math.exp(event.deltaY / 300), x / width)
    }
    let start: number | null = null
    const onDown = (event: PointerEvent) => {
      start = placeOf(event).x
      strip.setPointerCapture(event.pointerId)
    }
    const onMove = (event: PointerEvent) => {
      if (start === null) return
      const { x } = placeOf(event)
      setDragged({ from: Math.min(start, x), to: Math.max(start, x) })
    }
    const onUp = (event: PointerEvent) => {
      if (start === null) return
      const { x, width } = placeOf(event)
      const { shown } = current.current
      const at = (px: number) => shown.from + (px / width) * (shown.to - shown.from)
      if (Math.abs(x - start) >= DRAG_PX) choose({ from: at(Math.min(start, x)), to: at(Math.max(start, x)) })
      start = null
      setDragged(null)
    }
    const onCancel = () => {
      start = null
      setDragged(null)
    }
    const onDouble = () => setChosen(null)
    const abort = new AbortController()
    const { signal } = abort
    for (const target of [strip, list]) target.addEventListener('wheel', onWheel, { passive: false, signal })
    strip.addEventListener('pointerdown', onDown, { signal })
    strip.addEventListener('pointermove', onMove, { signal })
    strip.addEventListener('pointerup', onUp, { signal })
    strip.addEventListener('pointercancel', onCancel, { signal })
    strip.addEventListener('dblclick', onDouble, { signal })
    return () => abort.abort()
  }, [axis, rows])

  return { shown, isWhole: chosen === null, dragged, zoom, fit: () => setChosen(null), onKey }
}
