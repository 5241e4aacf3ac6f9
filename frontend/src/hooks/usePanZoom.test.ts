import { act, renderHook } from '@testing-library/react'
import { expect, it } from 'vitest'
import { type Plane, usePanZoom, type View } from './usePanZoom'

const FRAME = { width: 480, height: 400 }
const box = (left: number, top: number, width: number, height: number): Plane => ({
  left,
  top,
  width,
  height,
})
const over = (plane: Plane, focus: Plane) =>
  renderHook(() => usePanZoom({ current: null }, plane, FRAME, focus)).result
/** Where a box of the plane is in the frame. */
const seen = ({ x, y, scale }: View, { left, top, width, height }: Plane) => ({
  left: Math.round(left * scale + x),
  top: Math.round(top * scale + y),
  right: Math.round((left + width) * scale + x),
  bottom: Math.round((top + height) * scale + y),
})

it('what can be read in the frame as a whole is fitted into it', () => {
  const plane = box(-300, 0, 600, 300)
  const { view, isFitted } = over(plane, box(0, 0, 188, 52)).current
  expect(isFitted).toBe(true)
  expect(seen(view, plane)).toMatchObject({ left: 20, right: 460 })
})

it('what cannot is shown in part, with what matters in it, until all of it is asked for', () => {
  const plane = box(0, 0, 2_000, 3_000)
  const focus = box(1_200, 2_000, 188, 52)
  const pan = over(plane, focus)
  const { left, right, top, bottom } = seen(pan.current.view, focus)
  expect(pan.current.isFitted).toBe(false)
  expect(pan.current.view.scale).toBeGreaterThan(0.6)
  expect([(left + right) / 2, (top + bottom) / 2]).toEqual([240, 200])

  act(() => pan.current.fit())
  expect(pan.current.isFitted).toBe(true)
  expect(seen(pan.current.view, plane)).toMatchObject({ top: 20, bottom: 380 })
})

it('what matters at the edge of the plane leaves no more room beside it than elsewhere', () => {
  const plane = box(0, 0, 2_000, 100)
  expect(seen(over(plane, box(0, 0, 188, 52)).current.view, plane).left).toBe(20)
  expect(seen(over(plane, box(1_812, 0, 188, 52)).current.view, plane).right).toBe(460)
})
