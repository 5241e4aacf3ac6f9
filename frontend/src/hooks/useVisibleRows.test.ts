import { act, renderHook } from '@testing-library/react'
import { expect, it } from 'vitest'
import { useVisibleRows } from './useVisibleRows'

it('looks at the element when it scrolls, not when it renders: a look may lay out the whole page', () => {
  const element = document.createElement('div')
  let [top, looks] = [0, 0]
  Object.defineProperty(element, 'scrollTop', {
    get: () => {
      looks += 1
      return top
    },
  })
  const ref = { current: element }
  const { result, rerender } = renderHook(() => useVisibleRows(ref, 1_000, 20))
  const before = looks
  for (let n = 0; n < 5; n++) rerender()
  expect(looks).toBe(before)

  top = 2_000
  act(() => void element.dispatchEvent(new Event('scroll')))
  expect(result.current.first).toBe(94)
})
