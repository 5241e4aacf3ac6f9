import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InvalidFrame } from './events'
import { type ClientMessage, decodeServer, isRichFrame, type Mode } from './messages'
import { chain, formatCursor, initialTag, parseCursor } from './position'
import { NOTHING_HELD, Session, type SessionEffect, type SessionOptions } from './session'

const FIXTURES = join(import.meta.dirname, '../../../protocol/fixtures')
const X = '01JX4Q8ZK3M5N7P9R1T3V5W7Y9'
const EPOCH = '9f3a01bc'

type Wire = { from: 'client' | 'server'; frame?: string; close?: string }
type Exchange = { name: string; about: string; wire: Wire[] }

function exchange(name: string): Exchange {
  return JSON.parse(readFileSync(join(FIXTURES, 'session', `${name}.json`), 'utf8')) as Exchange
}

/** Have a session meet what the server said, and hear what it says itself. */
class Talk {
  now = 0
  readonly session: Session
  readonly effects: SessionEffect[]

  constructor(options: Partial<SessionOptions> = {}, cur: string | null = null, executionId = X) {
    const held = cur === null ? NOTHING_HELD : { executionId, cursor: parseCursor(cur) }
    this.session = new Session({ x: X, ...options }, held)
    this.effects = this.session.opened()
  }

  hear(...frames: (string | Uint8Array)[]): this {
    for (const frame of frames) {
      const read = decodeServer(frame)
      if (read) this.effects.push(...this.session.receive(read, this.now))
    }
    return this
  }

  wait(ms: number): this {
    this.now += ms
    this.effects.push(...this.session.tick(this.now))
    return this
  }

  get said(): ClientMessage[] {
    return this.effects.flatMap(effect => (effect.type === 'send' ? [effect.message] : []))
  }

  get subs(): number {
    return this.said.filter(({ t }) => t === 'sub').length
  }

  get seqs(): (number | undefined)[] {
    return this.effects.flatMap(effect =>
      effect.type === 'events' ? effect.events.map(({ seq }) => seq) : [],
    )
  }
}

/** A log with its tags, made up. */
class Log {
  readonly lines: string[] = []
  readonly tags: number[]

  constructor(
    readonly epoch = EPOCH,
    size = 0,
    word = 'line',
  ) {
    this.tags = [initialTag(epoch)]
    for (let seq = 1; seq <= size; seq++) {
      const data = { level: 'INFO', message: `${word} ${seq} ✓` }
      const line = JSON.stringify({ seq, kind: 'log', type: 'log', timestamp: '2026-11-22T21:30:00Z', data })
      this.lines.push(line)
      this.tags.push(chain(this.tags.at(-1) ?? 0, new TextEncoder().encode(`${line}\n`)))
    }
  }

  cur(seq: number): string {
    return formatCursor({ epoch: this.epoch, seq, tag: this.tags[seq] ?? 0 })
  }

  ev(after: number, upto: number, more: object = {}): string {
    const lines = this.lines.slice(after, upto)
    const header = { t: 'ev', x: X, after, upto, cur: this.cur(upto), n: lines.length, ...more }
    return [JSON.stringify(header), ...lines, ''].join('\n')
  }

  snap(seq: number, part = 1, parts = 1): string {
    const state = part === 1 ? { state: { execution_id: X, workflow_id: 'w', seq } } : {}
    const logs = this.lines
      .slice(0, seq)
      .slice(-2)
      .map(line => JSON.parse(line) as unknown)
    return JSON.stringify({ t: 'snap', x: X, cur: this.cur(seq), part, parts, ...state, logs })
  }

  resumed(seq: number): string {
    const cur = this.cur(seq)
    return JSON.stringify({
      t: 'sub_ok',
      x: X,
      result: 'resumed',
      execution_id: X,
      head: this.lines.length,
      cur,
    })
  }

  answer(result: string, why?: string): string {
    return JSON.stringify({ t: 'sub_ok', x: X, result, why, execution_id: X, head: this.lines.length })
  }

  ping(n: number, seq = this.lines.length): string {
    return JSON.stringify({ t: 'ping', n, heads: { [X]: this.cur(seq) } })
  }
}

describe('the exchanges that both languages are held to', () => {
  const names = readdirSync(join(FIXTURES, 'session')).map(name => name.replace('.json', ''))

  it.each(names)('%s: every frame of the server can be read', name => {
    for (const { from, frame } of exchange(name).wire) {
      if (from === 'server' && frame) expect(decodeServer(frame)).not.toBeNull()
    }
  })

  it.each(names.filter(name => name !== 'is-refused'))(
    '%s: says what the client of the vector says',
    name => {
      const { wire } = exchange(name)
      const wanted = wire.flatMap(({ from, frame }) =>
        from === 'client' && frame ? [JSON.parse(frame) as ClientMessage] : [],
      )
      const asked = wanted.find(({ t }) => t === 'sub')
      const { x = X, cur = null, execution_id = x } = asked?.t === 'sub' ? asked : {}
      const talk = new Talk({ x, client: 'vector' }, cur, execution_id)
      for (const { from, frame } of wire) if (from === 'server' && frame) talk.hear(frame)

      expect(talk.said).toEqual(wanted)
    },
  )

  it('a refusal of one’s own subscription is final, one of another’s is not one’s own', () => {
    const refusals = exchange('is-refused').wire.flatMap(({ from, frame }) =>
      from === 'server' && frame ? [frame] : [],
    )
    const own = new Talk({ x: '01JX4Q8ZK3M5N7P9R1T3V5W7YA' }).hear(...refusals)
    const other = new Talk().hear(...refusals)

    expect(own.effects.at(-1)).toEqual({
      type: 'refused',
      reason: 'No execution has this id.',
      status: 404,
    })
    expect(other.effects.filter(({ type }) => type === 'refused')).toEqual([])
  })
})

describe('what a client does with a frame', () => {
  const log = new Log(EPOCH, 30)
  const following = () => new Talk({}, log.cur(10)).hear(log.resumed(10))

  it('applies a frame that continues from its cursor, and moves the cursor', () => {
    const talk = following().hear(log.ev(10, 12), log.ev(12, 13))

    expect(talk.seqs).toEqual([11, 12, 13])
    expect(talk.session.held.cursor).toEqual(parseCursor(log.cur(13)))
  })

  it('ignores what it has', () => {
    const talk = following().hear(log.ev(10, 12), log.ev(10, 12), log.ev(8, 11))

    expect(talk.seqs).toEqual([11, 12])
    expect(talk.subs).toBe(1)
  })

  it('asks again from its cursor at a gap, once for all frames under way', () => {
    const talk = following().hear(log.ev(12, 14), log.ev(14, 16), log.ev(16, 18))

    expect(talk.seqs).toEqual([])
    expect(talk.said.slice(2)).toEqual([{ t: 'sub', x: X, cur: log.cur(10) }])
    talk.hear(log.resumed(10), log.ev(10, 18))
    expect(talk.seqs).toEqual([11, 12, 13, 14, 15, 16, 17, 18])
  })

  it.each([
    ['altered bytes', log.ev(10, 12).replace('line 12', 'lime 12')],
    ['a tag of another history', log.ev(10, 12, { cur: new Log(EPOCH, 30, 'other').cur(12) })],
    ['another epoch', log.ev(10, 12, { cur: log.cur(12).replace(EPOCH, '00000000') })],
    ['a cursor that is none', log.ev(10, 12, { cur: 'x' })],
  ])('applies nothing of %s, and asks again', (_, frame) => {
    const talk = following().hear(frame)

    expect(talk.seqs).toEqual([])
    expect(talk.subs).toBe(2)
  })

  it('applies nothing of a frame that leaves events out and does not follow', () => {
    const cf = { events: 1, logs: 1, errors: 0 }
    const talk = following().hear(log.ev(12, 14, { cf }))

    expect(talk.seqs).toEqual([])
    expect(talk.subs).toBe(2)
  })

  it('cannot check a frame that leaves events out, and takes over its cursor with its counts', () => {
    const cf = { events: 9, logs: 7, errors: 1 }
    const header = { t: 'ev', x: X, after: 10, upto: 20, cur: log.cur(20), n: 1, cf }
    const talk = following().hear(`${JSON.stringify(header)}\n${log.lines[19]}\n`)

    expect(talk.effects.at(-1)).toMatchObject({ type: 'events', leftOut: cf, cursor: { seq: 20 } })
    expect(talk.hear(log.ev(20, 21)).seqs).toEqual([20, 21])
  })

  it('takes a snapshot once all its parts are there, and what follows from its cursor', () => {
    const talk = new Talk().hear(log.answer('snapshot'), log.snap(20, 1, 2), log.ev(20, 21))
    expect(talk.effects.filter(({ type }) => type === 'snapshot' || type === 'events')).toEqual([])
    talk.hear(log.snap(20, 2, 2), log.ev(20, 21))

    expect(talk.effects.find(({ type }) => type === 'snapshot')).toMatchObject({
      why: null,
      cursor: { seq: 20 },
      logs: [{ seq: 19 }, { seq: 20 }, { seq: 19 }, { seq: 20 }],
    })
    expect(talk.seqs).toEqual([21])
  })

  it('is told why what it had has to go', () => {
    const other = new Log(EPOCH, 12, 'other')
    const talk = following().hear(other.answer('reset', 'fork'), other.snap(12))

    expect(talk.effects.at(-1)).toMatchObject({ type: 'snapshot', why: 'fork', cursor: { seq: 12 } })
  })

  it('asks again where its question was answered as if it had not been reset meanwhile', () => {
    const other = new Log(EPOCH, 12, 'other')
    const talk = following().hear(log.ev(12, 14)) // a gap: it asks, and the log is replaced at the same time
    talk.hear(other.answer('reset', 'fork'), other.snap(12), log.resumed(10))

    expect(talk.said.at(-1)).toEqual({ t: 'sub', x: X, cur: other.cur(12) })
  })

  it('takes a short log whole, from its first event on', () => {
    const talk = new Talk({ wholeUpto: 30 }).hear(log.answer('snapshot'), log.snap(30))
    expect(talk.said.at(-1)).toEqual({ t: 'sub', x: X, cur: log.cur(0) })
    talk.hear(log.resumed(0), log.ev(0, 30))
    expect(talk.seqs).toHaveLength(30)

    // Where its start is no longer kept, the state will do.
    talk.hear(log.answer('reset', 'trimmed'), log.snap(30))
    expect(talk.effects.at(-1)).toMatchObject({ type: 'snapshot', cursor: { seq: 30 } })
  })

  it('takes no part of a snapshot that it does not wait for', () => {
    const talk = following().hear(log.ev(10, 15), log.snap(12))

    expect(talk.session.held.cursor?.seq).toBe(15)
  })

  it('answers a ping at once, and is content at the head or ahead of it', () => {
    const talk = following().hear(log.ping(1, 10), log.ping(2, 9))

    expect(talk.said.slice(2)).toEqual([
      { t: 'pong', n: 1 },
      { t: 'pong', n: 2 },
    ])
  })

  it('asks again where two pings find it behind at the same place, or one finds it beside', () => {
    const talk = following().hear(log.ping(1))
    expect(talk.subs).toBe(1)
    talk.hear(log.ping(2))
    expect(talk.subs).toBe(2)

    expect(following().hear(new Log('00000000', 30).ping(1)).subs).toBe(2)
    expect(following().hear(new Log(EPOCH, 10, 'other').ping(1)).subs).toBe(2)
  })

  it('asks again where two pings find it without the snapshot it awaits', () => {
    expect(new Talk().hear(log.answer('snapshot'), log.ping(1), log.ping(2)).subs).toBe(2)
  })

  it('acknowledges after a second while events arrive, and at half a window', () => {
    const talk = following().hear(log.ev(10, 12))
    expect(talk.session.wakeAt).toBe(1_000)
    talk.wait(999).hear(log.ev(12, 13)).wait(1)
    expect(talk.said.at(-1)).toEqual({ t: 'ack', x: X, seq: 13 })
    expect(talk.session.wakeAt).toBeNull()

    const limits = { window_events: 8, window_bytes: 1 << 20 }
    const small = following().hear(JSON.stringify({ t: 'welcome', limits }), log.ev(10, 13), log.ev(13, 14))
    expect(small.said.at(-1)).toEqual({ t: 'ack', x: X, seq: 14 })
  })

  it('far behind takes the state in place of all that happened', () => {
    const long = new Log(EPOCH, 60)
    const talk = new Talk({ maxReplay: 40 }, long.cur(10)).hear(long.resumed(10), long.ev(10, 12))
    expect(talk.seqs).toEqual([])
    expect(talk.said.slice(2)).toEqual([{ t: 'sub', x: X }])
    talk.hear(long.answer('snapshot'), long.snap(60))

    expect(talk.session.held.cursor?.seq).toBe(60)
  })

  it('subscribes again when the server says it cannot serve now', () => {
    const talk = following().hear(
      JSON.stringify({ t: 'err', x: X, code: 'journal_unavailable', msg: '', retry: 700 }),
    )
    expect(talk.wait(699).subs).toBe(1)
    expect(talk.wait(1).subs).toBe(2)
  })

  it('names the execution its cursor belongs to where it follows a workflow', () => {
    const session = new Session(
      { x: 'audit', mode: 'state', tail: 100 },
      { executionId: X, cursor: parseCursor(log.cur(3)) },
    )

    expect(session.opened()[1]).toEqual({
      type: 'send',
      message: {
        t: 'sub',
        x: 'audit',
        execution_id: X,
        cur: log.cur(3),
        mode: 'state' satisfies Mode,
        tail: 100,
      },
    })
  })

  it('goes on past an event it cannot read, and says so', () => {
    const odd = new Log()
    const line = JSON.stringify({ seq: 1, kind: 'log', type: 'log', timestamp: 't', data: null })
    odd.lines.push(line)
    odd.tags.push(chain(odd.tags[0] ?? 0, new TextEncoder().encode(`${line}\n`)))
    const talk = new Talk({}, odd.cur(0)).hear(odd.resumed(0), odd.ev(0, 1))

    expect(talk.effects.filter(({ type }) => type === 'fault')).toHaveLength(1)
    expect(talk.session.held.cursor?.seq).toBe(1)
  })
})

describe('a workflow, one execution after the other', () => {
  const log = new Log(EPOCH, 30)
  const other = new Log('b07e11ed', 12, 'other')
  const of = (frame: string, executionId = X) =>
    frame
      .replace(`"x":"${X}"`, '"x":"audit"')
      .replaceAll(`"execution_id":"${X}"`, `"execution_id":"${executionId}"`)
  const next = (executionId: string) => [
    of(other.answer('snapshot'), executionId),
    of(other.snap(0), executionId),
  ]
  const following = (cur: string) => new Talk({ x: 'audit' }, cur)
  const end = of(log.ev(29, 30, { eos: { events: 30, logs: 30, errors: 0 } }))
  const moves = ({ effects }: Talk) =>
    effects.flatMap(effect => (effect.type === 'snapshot' ? [[effect.state.execution_id, effect.why]] : []))

  it.each([
    ['later', `7${X.slice(1)}`],
    ['of the same millisecond', `${X.slice(0, -1)}0`],
    ['earlier', `00${X.slice(2)}`],
  ])('goes on behind the end of one, the id of the next being %s', (_, id) => {
    const talk = following(log.cur(29)).hear(of(log.resumed(29)), end, ...next(id))

    expect(moves(talk)).toEqual([[id, null]])
    expect(talk.hear(of(other.ev(0, 3))).seqs).toEqual([30, 1, 2, 3])
    expect(talk.subs).toBe(1)
  })

  it('does not leave one whose end is missing', () => {
    const talk = following(log.cur(28)).hear(of(log.resumed(28)), ...next(`7${X.slice(1)}`))

    expect(moves(talk)).toEqual([])
    expect(talk.said.at(-1)).toEqual({ t: 'sub', x: 'audit', execution_id: X, cur: log.cur(28) })
  })

  it('begins anew, and says so, where the one it holds is gone', () => {
    const gone = JSON.stringify({ t: 'err', x: 'audit', code: 'execution_not_found', msg: 'gone' })
    const talk = following(log.cur(28)).hear(gone)
    expect(talk.said.at(-1)).toEqual({ t: 'sub', x: 'audit' })
    talk.session.moveOn({ executionId: X, cursor: parseCursor(log.cur(28)) }) // the page still shows it
    talk.hear(...next('00JX4Q8ZK3M5N7P9R1T3V5W7Y9'))

    expect(moves(talk)).toEqual([['00JX4Q8ZK3M5N7P9R1T3V5W7Y9', 'ahead']])
    expect(talk.effects.filter(({ type }) => type === 'refused')).toEqual([])
  })

  it('is refused where the workflow itself is gone, or nothing was held', () => {
    const refusal = (code: string) => JSON.stringify({ t: 'err', x: 'audit', code, msg: 'gone' })
    const talks = [
      following(log.cur(28)).hear(refusal('workflow_not_found')),
      new Talk({ x: 'audit' }).hear(refusal('execution_not_found')),
    ]

    for (const { effects } of talks)
      expect(effects.at(-1)).toEqual({ type: 'refused', reason: 'gone', status: 404 })
  })
})

describe('reading a frame', () => {
  const log = new Log(EPOCH, 3)

  it('gives the same of bytes as of text', () => {
    const text = log.ev(0, 3)

    expect(decodeServer(new TextEncoder().encode(text))).toEqual(decodeServer(text))
  })

  it.each([
    ['no JSON', '{"t":'],
    ['no object', '[]'],
    ['no name', '{"type":"log"}'],
    ['a missing member', '{"t":"snap","x":"w"}'],
    ['a cut last line', log.ev(0, 3).slice(0, -1)],
    ['fewer lines than said', log.ev(0, 3, { n: 4 })],
  ])('refuses %s', (_, frame) => expect(() => decodeServer(frame)).toThrow(InvalidFrame))

  it.each(['later', 'constructor', '__proto__'])('ignores a message it does not know: %s', t => {
    expect(decodeServer(JSON.stringify({ t }))).toBeNull()
  })

  it('tells rich mode from simple mode', () => {
    expect(isRichFrame(log.ev(0, 1))).toBe(true)
    expect(isRichFrame('{"type":"log","timestamp":"t","data":{}}')).toBe(false)
  })
})
