import type { ConnectionState } from '../core/connection'
import { formatCount } from '../core/format'
import { useClock } from '../hooks/usePreferences'

/** A connection lost for less than this is not worth a word. */
const QUIET_MS = 2_000

/** Whether a cut is so short that the page goes on as if there were none. */
export function isShortCut(state: ConnectionState, now: number): boolean {
  return state.name === 'reconnecting' && now - state.since < QUIET_MS
}

export type LivenessProps = {
  state: ConnectionState
  /** When the execution ended, if it has; that outweighs the connection. */
  endedAt: number | null
  now: number
  onRetry: () => void
  /** What is told of the dot to who points at it, a fact a line. */
  facts?: readonly string[] | undefined
}

type Shown = { tone: 'live' | 'idle' | 'warn' | 'bad'; text: string; retry?: boolean }

/** Whether what is on the screen is live, and if not, since when. */
export function Liveness({ state, endedAt, now, onRetry, facts = [] }: LivenessProps) {
  const clock = useClock()
  const { tone, text, retry } = shown(state, endedAt, now, clock)
  return (
    <span className="headway-liveness" data-tone={tone} data-state={state.name}>
      <span
        className="headway-liveness__dot"
        title={facts.join('\n') || undefined}
        {...(facts.length > 0 ? { role: 'img', 'aria-label': facts.join(', ') } : { 'aria-hidden': true })}
      />
      <span>{text}</span>
      {retry && (
        <button type="button" className="headway-link" onClick={onRetry}>
          retry now
        </button>
      )}
    </span>
  )
}

type Clock = (time: number) => string

function shown(state: ConnectionState, endedAt: number | null, now: number, clock: Clock): Shown {
  if (endedAt !== null && state.name !== 'catching-up')
    return { tone: 'idle', text: `ended ${clock(endedAt)}` }
  switch (state.name) {
    case 'idle':
      return { tone: 'idle', text: 'not connected' }
    case 'connecting':
      return { tone: 'idle', text: 'connecting…' }
    case 'live':
      return { tone: 'live', text: `live${by(state)}` }
    case 'catching-up': {
      const { done, total } = state
      return { tone: 'live', text: `catching up ${formatCount(done)} / ${formatCount(total)}${by(state)}` }
    }
    case 'reconnecting': {
      if (isShortCut(state, now)) return { tone: 'live', text: 'live' }
      const seconds = Math.ceil(Math.max(0, state.until - now) / 1_000)
      return {
        tone: 'warn',
        text: seconds > 0 ? `reconnecting in ${seconds} s` : 'reconnecting…',
        retry: true,
      }
    }
    case 'stale':
      return { tone: 'warn', text: `stale since ${clock(state.since)}`, retry: true }
    case 'offline':
      return { tone: 'idle', text: `offline since ${clock(state.since)}`, retry: true }
    case 'ended':
      return { tone: 'idle', text: `ended ${clock(state.at)}` }
    case 'refused':
      return { tone: 'bad', text: state.reason, retry: false }
    default:
      return state satisfies never
  }
}

/** Said where events do not come over WebSocket, since it is somebody's to mend. */
function by({ transport }: { transport?: 'sse' | 'poll' }): string {
  if (transport === undefined) return ''
  return transport === 'sse'
    ? ' over SSE: the proxy forbids WebSocket'
    : ' by polling: the proxy forbids WebSocket and streams'
}
