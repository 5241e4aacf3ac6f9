import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import type { ConnectionState } from '../core/connection'
import { formatClock } from '../core/format'
import { setPreference } from '../hooks/usePreferences'
import { isShortCut, Liveness } from './Liveness'

const now = Date.parse('2026-11-22T21:30:00Z')

function text(state: ConnectionState, endedAt: number | null = null): string | null {
  const { container, unmount } = render(
    <Liveness state={state} endedAt={endedAt} now={now} onRetry={() => {}} />,
  )
  const shown = container.textContent
  unmount()
  return shown
}

it('has words for every state', () => {
  const since = now - 60_000
  expect(text({ name: 'idle' })).toBe('not connected')
  expect(text({ name: 'connecting' })).toBe('connecting…')
  expect(text({ name: 'live' })).toBe('live')
  expect(text({ name: 'catching-up', done: 12_400, total: 48_112 })).toBe('catching up 12,400 / 48,112')
  expect(text({ name: 'reconnecting', since, until: now + 3_200 })).toBe('reconnecting in 4 sretry now')
  expect(text({ name: 'reconnecting', since, until: now - 1 })).toBe('reconnecting…retry now')
  expect(text({ name: 'stale', since })).toBe(`stale since ${formatClock(since)}retry now`)
  expect(text({ name: 'offline', since, until: now })).toBe(`offline since ${formatClock(since)}retry now`)
  expect(text({ name: 'ended', at: since })).toBe(`ended ${formatClock(since)}`)
  expect(text({ name: 'refused', reason: 'No workflow has this id.', status: 404 })).toBe(
    'No workflow has this id.',
  )
})

it('says by what means it is live where that is not WebSocket', () => {
  expect(text({ name: 'live', transport: 'sse' })).toBe('live over SSE: the proxy forbids WebSocket')
  expect(text({ name: 'live', transport: 'poll' })).toBe(
    'live by polling: the proxy forbids WebSocket and streams',
  )
  expect(text({ name: 'catching-up', done: 1, total: 9, transport: 'sse' })).toBe(
    'catching up 1 / 9 over SSE: the proxy forbids WebSocket',
  )
})

it('says nothing of a connection lost for less than two seconds', () => {
  const cut = { name: 'reconnecting', since: now - 1_900, until: now + 500 } as const
  expect(text(cut)).toBe('live')
  expect([isShortCut(cut, now), isShortCut(cut, now + 200)]).toEqual([true, false])
  expect(isShortCut({ name: 'offline', since: now, until: now }, now)).toBe(false)
})

it('says that an execution has ended whatever the connection does', () => {
  expect(text({ name: 'reconnecting', since: now - 60_000, until: now }, now - 5_000)).toBe(
    `ended ${formatClock(now - 5_000)}`,
  )
})

it('tells times in UTC where the reader wants all of them so', () => {
  setPreference({ timeFormat: 'utc' })
  expect(text({ name: 'stale', since: now })).toBe('stale since 21:30:00 UTCretry now')
  setPreference({ timeFormat: 'relative' })
})

it('tells at its dot how far what is shown reaches', () => {
  const facts = ['seq 48,112', 'server 0.1.0']
  render(<Liveness state={{ name: 'live' }} endedAt={null} now={now} onRetry={() => {}} facts={facts} />)
  const dot = screen.getByRole('img', { name: 'seq 48,112, server 0.1.0' })
  expect(dot).toHaveAttribute('title', 'seq 48,112\nserver 0.1.0')
})

it('tries again at a click', async () => {
  const retry = vi.fn()
  render(<Liveness state={{ name: 'stale', since: now }} endedAt={null} now={now} onRetry={retry} />)
  await userEvent.click(screen.getByRole('button', { name: 'retry now' }))

  expect(retry).toHaveBeenCalledOnce()
})
