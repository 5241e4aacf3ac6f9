/** The list of executions, live, for all pages: one socket, whoever looks. */

import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { LobbyClient, type Row } from '../api/lobby'
import type { ConnectionState } from '../core/connection'

export type RowsListener = (rows: readonly Row[], reset: boolean) => void
type Lobby = {
  readonly state: ConnectionState
  readonly listeners: Set<RowsListener>
  readonly retryNow: () => void
}

const nobody: Lobby = { state: { name: 'idle' }, listeners: new Set(), retryNow: () => {} }
const LobbyContext = createContext<Lobby>(nobody)

/** Opens the socket for as long as it is shown. */
export function LobbyProvider({ children }: { children: ReactNode }) {
  const [lobby, setLobby] = useState<Lobby>(nobody)
  useEffect(() => {
    const listeners = new Set<RowsListener>()
    const client = new LobbyClient(
      (rows, reset) => {
        for (const each of [...listeners]) each(rows, reset)
      },
      { onState: state => setLobby(before => ({ ...before, state })) },
    )
    setLobby({ state: client.state, listeners, retryNow: () => client.retryNow() })
    client.connect()
    return () => client.disconnect()
  }, [])
  return <LobbyContext value={lobby}>{children}</LobbyContext>
}

/** How the socket is, and how to try it at once. */
export function useLobby(): Pick<Lobby, 'state' | 'retryNow'> {
  return useContext(LobbyContext)
}

/** Whether changes come by themselves; else a page has to ask. */
export function useIsLive(): boolean {
  return useContext(LobbyContext).state.name === 'live'
}

/** @param listener keep it stable (`useCallback`) */
export function useLobbyRows(listener: RowsListener): void {
  const { listeners } = useContext(LobbyContext)
  useEffect(() => {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }, [listeners, listener])
}
