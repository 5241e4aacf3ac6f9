import { MantineProvider } from '@mantine/core'
import { act, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { TextFilter } from './TextFilter'

beforeEach(() => {
  vi.useFakeTimers()
  // jsdom has none, and the kit asks.
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener() {}, removeEventListener() {} }))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function shown(value: string, onChange: (text: string) => void) {
  const field = { current: null }
  return (
    <MantineProvider>
      <TextFilter aria-label="Filter" value={value} onChange={onChange} field={field} />
    </MantineProvider>
  )
}

it('asks when the typing pauses, and takes nothing back that was typed meanwhile', () => {
  const asked: string[] = []
  const onChange = (text: string) => void asked.push(text)
  const { rerender } = render(shown('', onChange))
  const input = screen.getByLabelText<HTMLInputElement>('Filter')
  const type = (value: string) => fireEvent.change(input, { target: { value } })
  const pause = () => act(() => vi.advanceTimersByTime(400))

  type('n')
  type('ni ')
  expect(asked).toEqual([])
  pause()
  expect(asked).toEqual(['ni'])
  type('ni g')
  rerender(shown('ni', onChange))
  expect(input.value).toBe('ni g')
  pause()
  expect(asked).toEqual(['ni', 'ni g'])
  rerender(shown('ni g', onChange))
  rerender(shown('', onChange))
  expect(input.value).toBe('')
})
