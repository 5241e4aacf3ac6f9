import { describe, expect, it } from 'vitest'
import {
  type Connection,
  type ConnectionState,
  type Effect,
  INITIAL,
  type Input,
  isActive,
  STALE_MS,
  transition,
  wakeAt,
} from './connection'

const random = 0.5
const inputs: Record<Input['type'], Input> = {
  connect: { type: 'connect', now: 100_000 },
  opened: { type: 'opened', now: 100_000 },
  online: { type: 'online', now: 100_000 },
  visible: { type: 'visible', now: 100_000 },
  tick: { type: 'tick', now: 100_000 },
  retry: { type: 'retry', now: 100_000 },
  lost: { type: 'lost', now: 100_000, random },
  offline: { type: 'offline', now: 100_000, random },
  closed: { type: 'closed', now: 100_000, random },
  frame: { type: 'frame', now: 100_000, seq: 7 },
  head: { type: 'head', head: 9 },
  ended: { type: 'ended', now: 100_000, final: true },
  refused: { type: 'refused', reason: 'no', status: 404 },
  disconnect: { type: 'disconnect' },
}

function after(...steps: Input[]): Connection {
  return steps.reduce((connection, input) => transition(connection, input)[0], INITIAL)
}

const at = (now: number) => ({ now, random })
const connecting = after({ type: 'connect', now: 0 })
const live = after(
  { type: 'connect', now: 0 },
  { type: 'opened', now: 1_000 },
  { type: 'frame', now: 99_000, seq: 5 },
)
const starts: Record<ConnectionState['name'], Connection> = {
  idle: INITIAL,
  connecting,
  live,
  'catching-up': transition(live, { type: 'head', head: 8 })[0],
  reconnecting: transition(live, { type: 'closed', ...at(99_900) })[0],
  stale: transition(live, { type: 'tick', now: 99_000 + STALE_MS })[0],
  offline: transition(live, { type: 'offline', ...at(99_900) })[0],
  ended: transition(live, { type: 'ended', now: 99_900, final: true })[0],
  refused: transition(connecting, { type: 'refused', reason: 'no', status: 404 })[0],
}

type Expected = [ConnectionState['name'], ...Effect[]]
type Table = Record<ConnectionState['name'], Record<Input['type'], Expected>>
type Unmoved = Exclude<Input['type'], 'connect' | 'disconnect'>
function nothing(name: ConnectionState['name']): Record<Unmoved, Expected> {
  return {
    ...{ opened: [name], online: [name], visible: [name], tick: [name], retry: [name], lost: [name] },
    ...{ offline: [name], closed: [name], frame: [name], head: [name], ended: [name], refused: [name] },
  }
}

/** Every state with every input: where it goes and what the shell must do. A missing pair does not compile. */
const table: Table = {
  idle: { ...nothing('idle'), connect: ['connecting', 'open'], disconnect: ['idle', 'drop'] },
  connecting: {
    ...nothing('connecting'),
    connect: ['connecting'],
    opened: ['live'],
    online: ['connecting', 'drop', 'open'],
    tick: ['reconnecting', 'drop'],
    retry: ['connecting', 'drop', 'open'],
    lost: ['reconnecting', 'drop'],
    offline: ['offline', 'drop'],
    closed: ['reconnecting', 'ask'],
    ended: ['ended', 'drop'],
    refused: ['refused', 'drop'],
    disconnect: ['idle', 'drop'],
  },
  live: {
    ...nothing('live'),
    connect: ['live'],
    head: ['catching-up'],
    retry: ['live', 'drop', 'open'],
    lost: ['reconnecting', 'drop'],
    offline: ['offline', 'drop'],
    closed: ['reconnecting'],
    ended: ['ended', 'drop'],
    refused: ['refused', 'drop'],
    disconnect: ['idle', 'drop'],
  },
  'catching-up': {
    ...nothing('catching-up'),
    connect: ['catching-up'],
    retry: ['catching-up', 'drop', 'open'],
    lost: ['reconnecting', 'drop'],
    offline: ['offline', 'drop'],
    closed: ['reconnecting'],
    ended: ['ended', 'drop'],
    refused: ['refused', 'drop'],
    disconnect: ['idle', 'drop'],
  },
  reconnecting: {
    ...nothing('reconnecting'),
    connect: ['reconnecting'],
    opened: ['live'],
    online: ['reconnecting', 'drop', 'open'],
    retry: ['reconnecting', 'drop', 'open'],
    lost: ['reconnecting', 'drop'],
    offline: ['offline', 'drop'],
    ended: ['ended', 'drop'],
    refused: ['refused', 'drop'],
    disconnect: ['idle', 'drop'],
  },
  stale: {
    ...nothing('stale'),
    connect: ['stale'],
    opened: ['live'],
    online: ['stale', 'drop', 'open'],
    retry: ['stale', 'drop', 'open'],
    lost: ['reconnecting', 'drop'],
    offline: ['offline', 'drop'],
    closed: ['reconnecting', 'ask'],
    ended: ['ended', 'drop'],
    refused: ['refused', 'drop'],
    disconnect: ['idle', 'drop'],
  },
  offline: {
    ...nothing('offline'),
    connect: ['offline'],
    opened: ['live'],
    online: ['offline', 'drop', 'open'],
    retry: ['offline', 'drop', 'open'],
    lost: ['reconnecting', 'drop'],
    offline: ['offline', 'drop'],
    ended: ['ended', 'drop'],
    refused: ['refused', 'drop'],
    disconnect: ['idle', 'drop'],
  },
  ended: { ...nothing('ended'), connect: ['connecting', 'open'], disconnect: ['idle', 'drop'] },
  refused: { ...nothing('refused'), connect: ['connecting', 'open'], disconnect: ['idle', 'drop'] },
}

describe.each(Object.entries(table))('%s', (start, row) => {
  it.each(Object.entries(row))('on %s goes where the table says', (type, [name, ...effects]) => {
    const [connection, done] = transition(starts[start as keyof Table], inputs[type as Input['type']])

    expect([connection.state.name, ...done]).toEqual([name, ...effects])
  })
})

describe('any sequence of inputs', () => {
  /** A small generator of numbers, so that a failure can be repeated. */
  function* dice(seed: number): Generator<number, never> {
    for (let value = seed; ; ) {
      value = (value * 1_664_525 + 1_013_904_223) % 2 ** 32
      yield value / 2 ** 32
    }
  }

  it.each([1, 2, 3, 4, 5])(
    'holds one socket at most and never sleeps without a reason to wake (seed %i)',
    seed => {
      const throws = dice(seed)
      const next = () => throws.next().value
      const types = Object.keys(inputs) as Input['type'][]
      let connection = INITIAL
      let sockets = 0
      for (let step = 0; step < 5_000; step++) {
        const type = types[Math.floor(next() * types.length)] ?? 'tick'
        const input = { ...inputs[type], now: step * 1_000 + 100, random: next() } as Input
        // A socket that is not there neither opens, closes nor speaks.
        if ((type === 'opened' || type === 'closed' || type === 'frame') && connection.socket === 'none')
          continue
        const [after, effects] = transition(connection, input)
        if (type === 'closed') sockets -= 1
        for (const effect of effects) {
          if (effect === 'drop') sockets = 0
          if (effect === 'open') sockets += 1
        }
        expect(sockets, `${connection.state.name} on ${type}`).toBe(after.socket === 'none' ? 0 : 1)
        if (isActive(after)) expect(wakeAt(after)).not.toBeNull()
        else expect(wakeAt(after)).toBeNull()
        connection = after
      }
    },
  )
})

it('the time since which nothing is heard survives failed tries', () => {
  let connection = starts.reconnecting
  const lostAt = connection.state.name === 'reconnecting' && connection.state.since
  for (let now = 200_000; now < 400_000; now += 50_000) {
    connection = transition(connection, { type: 'tick', now })[0]
    connection = transition(connection, { type: 'closed', now: now + 10, random })[0]
  }

  expect(connection.state).toMatchObject({ name: 'reconnecting', since: lostAt })
})

it('a socket that held for a while makes the next wait short again', () => {
  let connection = { ...starts.reconnecting, attempt: 6 }
  connection = transition(connection, { type: 'tick', now: 200_000 })[0] as typeof connection
  connection = transition(connection, { type: 'opened', now: 200_001 })[0] as typeof connection
  connection = transition(connection, { type: 'frame', now: 200_002 })[0] as typeof connection
  expect(connection.attempt).toBe(6)
  connection = transition(connection, { type: 'frame', now: 206_000 })[0] as typeof connection

  expect(connection.attempt).toBe(0)
})

it('an ended execution that is followed further stays ended over a reconnect, until the next begins', () => {
  let connection = transition(live, { type: 'ended', now: 99_500, final: false })[0]
  connection = transition(connection, { type: 'closed', ...at(99_600) })[0]
  connection = transition(connection, { type: 'tick', now: 120_000 })[0]
  connection = transition(connection, { type: 'opened', now: 120_001 })[0]
  expect(connection.state).toEqual({ name: 'ended', at: 99_500 })
  connection = transition(connection, { type: 'frame', now: 120_002, seq: 1, begins: true })[0]

  expect(connection.state).toEqual({ name: 'live' })
})
