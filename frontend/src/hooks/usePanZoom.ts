/**
 * Moving and scaling a plane by pointer, wheel with Ctrl, pinch and keys; until the reader moves it, it fits its frame
 * as far as it can be read.
 */

import { type RefObject, useEffect, useRef, useState } from 'react'
import type { Size } from './useSize'

export type View = { readonly x: number; readonly y: number; readonly scale: number }
export type Plane = {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

const LEAST = 0.1
const MOST = 2
/** Text can be read down to this; a plane that is larger shows a part of itself until all of it is asked for. */
const READABLE = 0.65
const MARGIN_PX = 20

export type PanZoom = {
  readonly view: View
  /** Whether all of it is in view, and stays so while it grows. */
  readonly isFitted: boolean
  zoom(factor: number): void
  /** Show all of it, however small. */
  fit(): void
  /** Bring a box of the plane into the frame, moving no further than needed. */
  reveal(box: Plane): void
}

/** @param focus what of the plane is to be seen where it cannot be seen as a whole */
export function usePanZoom(
  ref: RefObject<HTMLElement | null>,
  plane: Plane,
  frame: Size,
  focus: Plane,
): PanZoom {
  const [moved, setMoved] = useState<View | 'whole' | null>(null)
  const whole = fitting(plane, frame)
  const isReadable = whole.scale >= READABLE
  const unmoved = moved === null && !isReadable ? around(focus, plane, frame) : whole
  const view = moved === null || moved === 'whole' ? unmoved : moved
  const current = useRef(view)
  useEffect(() => {
    current.current = view
  })
  const zoomAt = (factor: number, x: number, y: number) => {
    const before = current.current
    const scale = Math.min(MOST, Math.max(LEAST, before.scale * factor))
    const ratio = scale / before.scale
    move({ x: x - (x - before.x) * ratio, y: y - (y - before.y) * ratio, scale })
  }
  const move = (next: View) => {
    current.current = next
    setMoved(next)
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: the handlers read what is current when they are called
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const pointers = new Map<number, { x: number; y: number }>()
    const onDown = (event: PointerEvent) => {
      if (event.button !== 0 || (event.target as Element).closest('button')) return
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY })
      element.setPointerCapture(event.pointerId)
    }
    const onMove = (event: PointerEvent) => {
      const before = pointers.get(event.pointerId)
      if (!before) return
      const [first, second] = [...pointers.entries()]
      const here = { x: event.clientX, y: event.clientY }
      if (first && second) {
        const other = first[0] === event.pointerId ? second[1] : first[1]
        const { left, top } = element.getBoundingClientRect()
        const ratio = distance(here, other) / Math.max(1, distance(before, other))
        zoomAt(ratio, (here.x + other.x) / 2 - left, (here.y + other.y) / 2 - top)
      } else {
        const { x, y, scale } = current.current
        move({ x: x + here.x - before.x, y: y + here.y - before.y, scale })
      }
      pointers.set(event.pointerId, here)
    }
    const onEnd = (event: PointerEvent) => pointers.delete(event.pointerId)
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault() // the page would zoom
      const { left, top } = element.getBoundingClientRect()
      zoomAt(Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top)
    }
    const abort = new AbortController()
    const { signal } = abort
    element.addEventListener('pointerdown', onDown, { signal })
    element.addEventListener('pointermove', onMove, { signal })
    element.addEventListener('pointerup', onEnd, { signal })
    element.addEventListener('pointercancel', onEnd, { signal })
    element.addEventListener('wheel', onWheel, { passive: false, signal })
    return () => abort.abort()
  }, [ref])

  const reveal = (box: Plane) => {
    const { x, y, scale } = current.current
    const by = (start: number, length: number, room: number) => {
      if (start < MARGIN_PX) return MARGIN_PX - start
      return Math.min(0, room - MARGIN_PX - start - length)
    }
    const dx = by(box.left * scale + x, box.width * scale, frame.width)
    const dy = by(box.top * scale + y, box.height * scale, frame.height)
    if (frame.width > 0 && (dx !== 0 || dy !== 0)) move({ x: x + dx, y: y + dy, scale })
  }
  const zoom = (factor: number) => zoomAt(factor, frame.width / 2, frame.height / 2)
  const isFitted = moved === 'whole' || (moved === null && isReadable)
  return { view, isFitted, zoom, fit: () => setMoved('whole'), reveal }
}

/** The whole plane in the middle of the frame, never larger than life. */
function fitting(plane: Plane, frame: Size): View {
  if (frame.width === 0 || plane.width === 0) return { x: 0, y: 0, scale: 1 }
  const room = { width: frame.width - 2 * MARGIN_PX, height: frame.height - 2 * MARGIN_PX }
  const scale = Math.min(1, Math.max(LEAST, Math.min(room.width / plane.width, room.height / plane.height)))
  return {
    x: (frame.width - plane.width * scale) / 2 - plane.left * scale,
    y: (frame.height - plane.height * scale) / 2 - plane.top * scale,
    scale,
  }
}

/** As small as can be read, the focus in the middle unless that leaves room beside the plane. */
function around(focus: Plane, plane: Plane, frame: Size): View {
  const by = (at: number, length: number, begin: number, whole: number, room: number) => {
    const [first, last] = [MARGIN_PX - begin * READABLE, room - MARGIN_PX - (begin + whole) * READABLE]
    if (last >= first) return (first + last) / 2
    return Math.min(first, Math.max(last, room / 2 - (at + length / 2) * READABLE))
  }
  return {
    x: by(focus.left, focus.width, plane.left, plane.width, frame.width),
    y: by(focus.top, focus.height, plane.top, plane.height, frame.height),
    scale: READABLE,
  }
}

function distance(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return Math.hypot(a.x - b.x, a.y - b.y)
}
