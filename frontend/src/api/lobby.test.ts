import { act, renderHook, waitFor } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { EXECUTION, OTHER_EXECUTION } from '../../test/builders'
import { eventually } from '../../test/eventually'
import { FeedServer } from '../../test/feedServer'
import { useLobby } from '../hooks/useLobby'
import { LobbyClient, type Row } from './lobby'

let server: FeedServer
let said: { t: string }[]

beforeEach(async () => {
  server = await FeedServer.start()
  said = []
  server.onSocket = socket =>
    socket.on('message', data => {
      const message = JSON.parse(String(data)) as { t: string }
      said.push(message)
      if (message.t === 'sub') answer(socket)
    })
})

afterEach(() => server.stop())

const row = (id: string, progress: number) => ({
  execution_id: id,
  workflow_id: 'audit',
  status: 'running',
  phase: 'running',
  progress,
})

function answer(socket: WebSocket): void {
  const frames = [
    { t: 'welcome', conn: 'c', limits: {} },
    { t: 'sub_ok', x: '*', result: 'snapshot' },
    { t: 'rows', x: '*', rows: [row(EXECUTION, 10)], reset: true },
  ]
  for (const frame of frames) socket.send(JSON.stringify(frame))
}

const change = (...rows: object[]) => {
  for (const socket of server.sockets) socket.send(JSON.stringify({ t: 'rows', x: '*', rows }))
}

describe('LobbyClient', () => {
  it('gives all rows first, then those that change, and all again after a cut', async () => {
    const heard: [number, boolean][] = []
    const errors: Error[] = []
    const client = new LobbyClient(
      (rows: readonly Row[], reset) => heard.push([rows[0]?.progress ?? -1, reset]),
      { base: server.base, random: () => 0.01, onError: error => errors.push(error) },
    )
    client.connect()
    await eventually(() => heard.length === 1)
    change(row(EXECUTION, 20))
    await eventually(() => heard.length === 2)
    server.cut()
    await eventually(() => heard.length === 3)
    client.disconnect()

    expect(heard).toEqual([
      [10, true],
      [20, false],
      [10, true],
    ])
    expect(said.slice(0, 2)).toEqual([{ t: 'hello' }, { t: 'sub', x: '*' }])
    expect(server.opened).toEqual(['/ws', '/ws'])
    expect(errors).toEqual([])
  })

  it('stops where the server does not let it in', async () => {
    server.refuse = 401
    server.answers.set('/api/executions', { status: 401, body: { detail: 'Sign in.', code: 'unauthorized' } })
    const client = new LobbyClient(() => {}, { base: server.base, random: () => 0 })
    client.connect()
    await eventually(() => client.state.name === 'refused')

    expect(client.state).toEqual({ name: 'refused', reason: 'Sign in.', status: 401 })
  })
})

describe('useLobby', () => {
  it('patches the rows it shows, and puts new ones first', async () => {
    const { result } = renderHook(() => useLobby(server.base))
    await waitFor(() => expect(result.current.rows.get(EXECUTION)?.progress).toBe(10))
    expect(result.current.state.name).toBe('live')
    act(() => change(row(EXECUTION, 30), row(OTHER_EXECUTION, 0)))
    await waitFor(() => expect(result.current.rows.size).toBe(2))

    expect([...result.current.rows].map(([id, { progress }]) => [id, progress])).toEqual([
      [OTHER_EXECUTION, 0],
      [EXECUTION, 30],
    ])
  })
})
