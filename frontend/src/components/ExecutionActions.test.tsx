import { act, fireEvent, render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import { EXECUTION } from '../../test/builders'
import { HttpApi } from '../api/http'
import { ExecutionStore } from '../core/store'
import { ExecutionActions } from './ExecutionActions'

const summary = { ...new ExecutionStore('nightly_import').get('summary'), execution_id: EXECUTION }

afterEach(() => {
  vi.useRealTimers()
})

function actions(answer: () => Promise<Response>, isLive: boolean) {
  return (
    <ExecutionActions
      api={new HttpApi('http://127.0.0.1:1/', answer)}
      summary={summary}
      isLive={isLive}
      onStarted={() => {}}
    />
  )
}

it('that the server cannot be reached is said until it is reached again', async () => {
  const cut = () => Promise.reject(new TypeError('fetch failed'))
  const { rerender } = render(actions(cut, false))
  await userEvent.click(screen.getByRole('button', { name: 'Cancel' }))
  expect(await screen.findByRole('alert')).toHaveTextContent('The server cannot be reached.')
  rerender(actions(cut, true))

  expect(screen.queryByRole('alert')).toBeNull()
})

it('a refusal stays when the connection comes back', async () => {
  const body = { status: 403, code: 'forbidden', detail: 'This token cannot cancel.' }
  const refuse = () => Promise.resolve(new Response(JSON.stringify(body), { status: 403 }))
  const { rerender } = render(actions(refuse, false))
  await userEvent.click(screen.getByRole('button', { name: 'Cancel' }))
  expect(await screen.findByRole('alert')).toHaveTextContent('This token cannot cancel.')
  rerender(actions(refuse, true))

  expect(screen.getByRole('alert')).toBeInTheDocument()
})

function whileCancelling(answer: typeof fetch) {
  const fetched = vi.fn(answer)
  render(
    <ExecutionActions
      api={new HttpApi('http://127.0.0.1:1/', fetched)}
      summary={{ ...summary, phase: 'cancelling' }}
      isLive
      onStarted={() => {}}
    />,
  )
  return fetched
}

function after5s() {
  act(() => vi.advanceTimersByTime(5_000))
}

it('a cancel that has no effect for 5 s offers force, which says what it does before it is asked for', async () => {
  vi.useFakeTimers()
  const fetched = whileCancelling(() => Promise.resolve(new Response('{}', { status: 202 })))
  act(() => vi.advanceTimersByTime(4_900))
  expect(screen.queryByRole('button', { name: 'Force…' })).toBeNull()
  after5s()
  expect(screen.getByRole('button', { name: 'Cancelling…' })).toBeDisabled()
  fireEvent.click(screen.getByRole('button', { name: 'Force…' }))

  const dialog = screen.getByRole('alertdialog', { name: 'Force the cancel' })
  expect(dialog).toHaveAccessibleDescription(
    'Ends the worker process at once. Other executions on it go on from their last finished step.',
  )
  expect(screen.getByRole('button', { name: 'Force' })).toHaveFocus()
  expect(fetched).not.toHaveBeenCalled()

  await act(async () => fireEvent.click(screen.getByRole('button', { name: 'Force' })))
  expect(fetched).toHaveBeenCalledOnce()
  expect(JSON.parse(String(fetched.mock.calls[0]?.[1]?.body))).toEqual({ force: true })
  expect(screen.getByRole('button', { name: 'Forcing…' })).toBeDisabled()
  expect(screen.queryByRole('alertdialog')).toBeNull()
})

it('Escape and “Keep waiting” force nothing', () => {
  vi.useFakeTimers()
  const fetched = whileCancelling(() => Promise.resolve(new Response('{}', { status: 202 })))
  after5s()
  for (const leave of [
    () => fireEvent.keyDown(screen.getByRole('button', { name: 'Force' }), { key: 'Escape' }),
    () => fireEvent.click(screen.getByRole('button', { name: 'Keep waiting' })),
  ]) {
    fireEvent.click(screen.getByRole('button', { name: 'Force…' }))
    leave()
    expect(screen.queryByRole('alertdialog')).toBeNull()
  }
  expect(screen.getByRole('button', { name: 'Force…' })).toHaveFocus()
  expect(fetched).not.toHaveBeenCalled()
})

it('a force that is refused says why, and can be asked for again', async () => {
  vi.useFakeTimers()
  const body = { status: 403, code: 'forbidden', detail: 'This token cannot cancel.' }
  whileCancelling(() => Promise.resolve(new Response(JSON.stringify(body), { status: 403 })))
  after5s()
  fireEvent.click(screen.getByRole('button', { name: 'Force…' }))
  await act(async () => fireEvent.click(screen.getByRole('button', { name: 'Force' })))
  expect(screen.getByRole('alert')).toHaveTextContent('This token cannot cancel.')
  after5s()

  expect(screen.getByRole('button', { name: 'Force…' })).toBeEnabled()
})
