import { describe, expect, it } from 'vitest'
import {
  type Connection,
  type ConnectionState,
  type Effect,
  HANDSHAKE_MS,
  INITIAL,
  type Input,
  initial,
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
  answered: { type: 'answered', now: 100_000 },
  drain: { type: 'drain', now: 100_000, random, earliestMs: 1_000, latestMs: 9_000 },
  'next-opened': { type: 'next-opened', now: 100_000 },
  'next-closed': { type: 'next-closed', now: 100_000, random },
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
    ...{ answered: [name], drain: [name], 'next-opened': [name], 'next-closed': [name] },
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

const WAYS = ['rich', 'plain', 'sse', 'poll'] as const

/** What is done from a first connect on, effects that belong to one input together. */
function course(...steps: Input[]): { connection: Connection; ways: string[] } {
  let connection = initial(WAYS)
  const ways: string[] = []
  for (const step of [{ type: 'connect', now: 0 } as Input, ...steps]) {
    const [after, effects] = transition(connection, step)
    connection = after
    for (const effect of effects) {
      if (effect === 'open') ways.push(after.way)
      else if (effect !== 'drop') ways.push(effect)
    }
  }
  return { connection, ways }
}

const closed = (now: number, more = {}): Input => ({ type: 'closed', ...at(now), ...more })
const tick = (now: number): Input => ({ type: 'tick', now })
const opened = (now: number): Input => ({ type: 'opened', now })
const welcome = (now: number): Input => ({ type: 'frame', now, speaks: true })

describe('the way to the server', () => {
  const refusedThrice: Input[] = [1, 2, 3].flatMap(n => [
    closed(n * 10_000),
    closed(n * 10_000),
    { type: 'answered', now: n * 10_000 } as Input,
    tick(n * 10_000 + 5_000),
  ])

  it('goes without our subprotocol where a handshake with it is refused', () => {
    const { connection, ways } = course(closed(10), tick(500), closed(510), opened(520))

    expect(ways).toEqual(['rich', 'rich', 'plain'])
    expect(connection).toMatchObject({ way: 'plain', socket: 'open' })
  })

  it('keeps to our subprotocol where the first handshake fails: the server may be starting', () => {
    const { connection, ways } = course(closed(10), tick(500), opened(510), welcome(520))

    expect(ways).toEqual(['rich', 'rich'])
    expect(connection).toMatchObject({ way: 'rich', nextAt: null })
  })

  it('is doubted again soon where it goes without our subprotocol, and at each reconnect', () => {
    const plain = course(closed(10), tick(500), closed(510), opened(520)).connection
    expect(transition(plain, tick(1_520))[1]).toEqual(['open-next'])
    const refused = transition(transition(plain, tick(1_520))[0], { type: 'next-closed', ...at(1_530) })[0]
    expect(refused.nextAt).toBe(121_530)

    const cut = transition(refused, closed(2_000))[0]
    expect([cut.way, cut.trials]).toEqual(['rich', 0])
  })

  it('does not doubt the subprotocol of a server that has spoken it', () => {
    const { ways } = course(opened(10), welcome(11), closed(12), tick(500), closed(510))

    expect(ways).toEqual(['rich', 'rich', 'ask'])
  })

  const silentAt = 10 + HANDSHAKE_MS

  it('takes to a stream where the handshake is let through and no frame after it', () => {
    const { connection, ways } = course(
      opened(10),
      tick(silentAt),
      { type: 'answered', now: silentAt + 30 },
      opened(silentAt + 60),
    )

    expect(ways).toEqual(['rich', 'ask', 'sse'])
    expect(connection.state).toEqual({ name: 'live', transport: 'sse' })
  })

  it('does so too where the server has spoken before', () => {
    const again = [closed(20), tick(500), opened(510), tick(510 + HANDSHAKE_MS)]
    const { ways } = course(opened(10), welcome(11), ...again, { type: 'answered', now: 11_000 })

    expect(ways).toEqual(['rich', 'rich', 'ask', 'sse'])
  })

  it('goes without our subprotocol where the server took it, says nothing, and answers no HTTP', () => {
    expect(course(opened(10), tick(silentAt), tick(silentAt + 2_000)).ways).toEqual(['rich', 'ask', 'plain'])
  })

  it.each([1006, 4408])('takes to a stream where sockets end with %i before the first frame', code => {
    const cuts = [1, 2, 3].flatMap(n => [
      opened(n * 20_000),
      closed(n * 20_000 + 10, { code }),
      { type: 'answered', now: n * 20_000 + 20 } as Input,
      tick(n * 20_000 + 10_000),
    ])

    expect(course(...cuts).ways).toEqual(['rich', 'ask', 'rich', 'ask', 'rich', 'ask', 'sse'])
  })

  it('has only what the ways allow: a list is polled', () => {
    let connection = initial(['rich', 'poll'])
    const hangs = [
      { type: 'connect', now: 0 },
      tick(HANDSHAKE_MS),
      { type: 'answered', now: HANDSHAKE_MS + 10 },
    ]
    for (const input of hangs as Input[]) connection = transition(connection, input)[0]

    expect([connection.way, connection.socket]).toEqual(['poll', 'opening'])
  })

  it('stays with a server that took our subprotocol and speaks plainly', () => {
    const { connection } = course(opened(10), { type: 'frame', now: 20, speaks: false })

    expect(connection.way).toBe('plain')
    expect(wakeAt(connection)).toBe(20 + STALE_MS)
  })

  it('takes to a stream where a server that answers HTTP refuses one handshake after the other', () => {
    const { connection, ways } = course(...refusedThrice, opened(40_000))

    expect(ways.at(-1)).toBe('sse')
    expect(connection.state).toEqual({ name: 'live', transport: 'sse' })
  })

  it('keeps to WebSocket where HTTP is not answered either', () => {
    const { ways } = course(...refusedThrice.filter(({ type }) => type !== 'answered'))

    expect(ways).not.toContain('sse')
  })

  it('takes to a stream after the first handshake that never ends', () => {
    const { ways } = course(tick(HANDSHAKE_MS), { type: 'answered', now: HANDSHAKE_MS + 20 }, tick(20_000))

    expect(ways).toEqual(['rich', 'ask', 'sse'])
  })

  it('polls where a stream does not begin, and where it ends again and again', () => {
    expect(course(...refusedThrice, closed(40_000)).ways.slice(-2)).toEqual(['sse', 'poll'])
    const breaks = [1, 2, 3].flatMap(n => [
      opened(n * 100_000),
      closed(n * 100_000 + 10),
      tick(n * 100_000 + 50_000),
    ])
    const { connection } = course(...refusedThrice, ...breaks, opened(400_000))

    expect(connection.state).toEqual({ name: 'live', transport: 'poll' })
  })

  it('begins again with the best way where none is left', () => {
    const { ways } = course(...refusedThrice, closed(40_000), closed(40_010), tick(80_000))

    expect(ways.slice(-4)).toEqual(['sse', 'poll', 'ask', 'rich'])
  })

  it('tries the better way beside the one that serves, ever later, and moves over once it serves', () => {
    const beat: Input = { type: 'frame', now: 99_000 }
    const onStream = course(...refusedThrice, opened(40_000), beat).connection
    expect(transition(onStream, tick(99_999))[1]).toEqual([])
    const [trying, effects] = transition(onStream, tick(100_000))
    expect(effects).toEqual(['open-next'])
    const [refused] = transition(trying, { type: 'next-closed', ...at(100_010) })
    expect([refused.state, refused.nextAt]).toEqual([onStream.state, 220_010])
    const [better, switched] = transition(trying, { type: 'next-opened', now: 100_020 })
    expect(switched).toEqual(['switch'])
    expect([better.state, better.way]).toEqual([{ name: 'live' }, 'rich'])
  })

  it('gives up a trial that hangs', () => {
    const trying = course(...refusedThrice, opened(40_000), tick(100_000)).connection
    const [after, effects] = transition(trying, tick(100_000 + HANDSHAKE_MS))

    expect(effects).toEqual(['drop-next'])
    expect([after.socket, after.nextSince]).toEqual(['open', null])
  })
})

describe('a server that drains', () => {
  const drain: Input = { type: 'drain', ...at(20_000), earliestMs: 1_000, latestMs: 9_000 }
  const asked = course(opened(10), welcome(20), { type: 'frame', now: 19_990 }, drain).connection

  it('is left within the slot it gave, for another socket that serves already', () => {
    expect(wakeAt(asked)).toBe(24_200)
    const [moving, effects] = transition(asked, tick(24_200))
    expect([moving.state, effects]).toEqual([{ name: 'live' }, ['open-next']])
    expect(transition(moving, { type: 'next-opened', now: 24_300 })[1]).toEqual(['switch'])
  })

  it('serves on while no other lets its viewers in, who try again soon', () => {
    const moving = transition(asked, tick(24_200))[0]
    const [after] = transition(moving, { type: 'next-closed', ...at(24_210) })

    expect([after.state, after.socket, after.nextAt]).toEqual([{ name: 'live' }, 'open', 25_210])
  })

  it('that closes before the move is done leaves the next socket in its place', () => {
    const moving = transition(asked, tick(24_200))[0]
    const [after, effects] = transition(moving, closed(24_210, { code: 1012 }))

    expect(effects).toEqual(['switch'])
    expect([after.socket, after.socketAt, after.nextSince]).toEqual(['opening', 24_200, null])
  })

  it.each([
    ['{"retry":5000}', 5_000],
    ['{"retry":9999999}', 60_000],
    ['service restart', 125],
    ['[]', 125],
  ])('says when to come back: %s', (reason, after) => {
    expect(wakeAt(transition(asked, closed(30_000, { code: 1012, reason }))[0])).toBe(30_000 + after)
  })
})

describe('a server that restarts', () => {
  it.each([
    ['over the time it asked for', 5_000, 2_500],
    ['by our own backing off where it asked for none', undefined, 125],
  ])('has its viewers back %s', (_, spreadMs, after) => {
    const hello: Input = { type: 'frame', now: 20, ...(spreadMs === undefined ? {} : { spreadMs }) }
    const { connection } = course(opened(10), hello, welcome(30), closed(30_000, { code: 1012 }))

    expect(wakeAt(connection)).toBe(30_000 + after)
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
    'holds one socket at most, one beside it, and never sleeps without a reason to wake (seed %i)',
    seed => {
      const throws = dice(seed)
      const next = () => throws.next().value
      const types = Object.keys(inputs) as Input['type'][]
      let connection = seed % 2 ? INITIAL : initial(WAYS)
      let sockets = 0
      let beside = 0
      for (let step = 0; step < 5_000; step++) {
        const type = types[Math.floor(next() * types.length)] ?? 'tick'
        const input = { ...inputs[type], now: step * 1_000 + 100, random: next() } as Input
        // A socket that is not there neither opens, closes nor speaks.
        if (['opened', 'closed', 'frame', 'drain'].includes(type) && connection.socket === 'none') continue
        if (type.startsWith('next-') && connection.nextSince === null) continue
        const [after, effects] = transition(connection, input)
        if (type === 'closed') sockets -= 1
        if (type === 'next-closed') beside -= 1
        for (const effect of effects) {
          if (effect === 'drop') sockets = beside = 0
          if (effect === 'open') sockets += 1
          if (effect === 'open-next') beside += 1
          if (effect === 'drop-next') beside = 0
          if (effect === 'switch') [sockets, beside] = [beside, 0]
        }
        expect(sockets, `${connection.state.name} on ${type}`).toBe(after.socket === 'none' ? 0 : 1)
        expect(beside, `${connection.state.name} on ${type}`).toBe(after.nextSince === null ? 0 : 1)
        if (isActive(after)) expect(wakeAt(after)).not.toBeNull()
        else expect(wakeAt(after)).toBeNull()
        connection = after
      }
    },
  )
})

it('a log that was replaced by a shorter one is caught up with at its own end', () => {
  const behind = transition(live, { type: 'head', head: 9 })[0]
  expect(behind.state.name).toBe('catching-up')
  expect(transition(behind, { type: 'head', head: 4 })[0].state.name).toBe('catching-up')

  expect(transition(behind, { type: 'head', head: 4, exact: true })[0].state.name).toBe('live')
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
