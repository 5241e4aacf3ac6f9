/** The dot of the shell: whether what is shown is what is. */

import { useEffect, useState } from 'react'
import type { ConnectionState } from '../core/connection'
import { useLobby } from './lobby'

/** A short cut is nobody's business. */
const PATIENCE_MS = 2_000

type Told = { tone: 'live' | 'warn' | 'idle'; text: string }

export function Liveness() {
  const { state, retryNow } = useLobby()
  const { tone, text } = tell(usePatiently(state))
  return (
    <button
      type="button"
      className="app-live"
      data-tone={tone}
      disabled={tone !== 'warn'}
      title={tone === 'warn' ? 'Try again now' : 'Lists change by themselves'}
      onClick={retryNow}
    >
      <span className="app-live__dot" aria-hidden="true" />
      <span role="status">{text}</span>
    </button>
  )
}

/** The last calm state, until another one has lasted. */
function usePatiently(state: ConnectionState): ConnectionState {
  const [shown, setShown] = useState(state)
  useEffect(() => {
    const timer = setTimeout(() => setShown(state), state.name === 'live' ? 0 : PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [state])
  return shown
}

function tell(state: ConnectionState): Told {
  switch (state.name) {
    case 'live':
      return { tone: 'live', text: 'live' }
    case 'offline':
      return { tone: 'warn', text: 'offline' }
    case 'reconnecting':
    case 'stale':
      return { tone: 'warn', text: 'reconnecting' }
    case 'idle':
    case 'connecting':
    case 'catching-up':
      return { tone: 'idle', text: 'connecting' }
    default:
      return { tone: 'warn', text: 'not live' }
  }
}
