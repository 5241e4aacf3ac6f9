import { renderHook } from '@testing-library/react'
import { expect, it } from 'vitest'
import { useLastingError } from './useLastingError'

it('an error stays while it is asked again, and goes once there is an answer', () => {
  const error = new Error('no')
  const { result, rerender } = renderHook(useLastingError, {
    initialProps: { error: null as Error | null, isPending: true },
  })
  const shown = (now: Error | null, isPending: boolean) => {
    rerender({ error: now, isPending })
    return result.current
  }
  expect(result.current).toBeNull()
  expect(shown(error, false)).toBe(error)
  expect(shown(null, true)).toBe(error)
  expect(shown(null, false)).toBeNull()
  expect(shown(null, true)).toBeNull()
})
