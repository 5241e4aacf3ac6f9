/** The rows of the executions list for a component: live while mounted. */

import { useEffect, useState } from 'react'
import { LobbyClient, type Row } from '../api/lobby'
import type { ConnectionState } from '../core/connection'

/** Rows change four times a second each: a list of many is painted no more often than this. */
const SHOW_MS = 100

export type Lobby = {
  /** The newest executions by id, newest first; empty until the first answer. */
  rows: ReadonlyMap<string, Row>
  state: ConnectionState
}

/** @param apiBase address of the server; by default the page's own */
export function useLobby(apiBase?: string): Lobby {
  const [lobby, setLobby] = useState<Lobby>({ rows: new Map(), state: { name: 'idle' } })
  useEffect(() => {
    let rows = new Map<string, Row>()
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = () => {
      timer = undefined
      const shown = new Map(rows)
      setLobby(before => ({ ...before, rows: shown }))
    }
    const client = new LobbyClient(
      (changed, reset) => {
        const changes = changed.map(row => [row.execution_id, row] as const)
        const isNew = ([id]: readonly [string, Row]) => !rows.has(id)
        if (reset) rows = new Map(changes)
        else if (changes.some(isNew))
          rows = new Map([...newestFirst(changes.filter(isNew)), ...rows, ...changes])
        else for (const [id, row] of changes) rows.set(id, row)
        timer ??= setTimeout(show, SHOW_MS)
      },
      {
        base: apiBase,
        onState: state => setLobby(before => (before.state === state ? before : { ...before, state })),
      },
    )
    client.connect()
    return () => {
      client.disconnect()
      clearTimeout(timer)
    }
  }, [apiBase])
  return lobby
}

/** Ids sort by time of creation. */
function newestFirst(changes: (readonly [string, Row])[]): (readonly [string, Row])[] {
  return changes.sort(([a], [b]) => (a < b ? 1 : -1))
}
