/**
 * The client under every fault we can name, against a small server: appends, cuts after byte k, frames that are lost,
 * repeated, swapped or altered, restores of an older copy, trims, stalls, jumps of the clock.
 *
 * After every step: what a viewer has is exactly some committed history from its snapshot on (D1), its state is the
 * fold at its cursor (D2), and the end is there with the last event and never else (D6). A cursor of another history
 * is never gone on from (D4): that would show as a history nobody committed. When the faults stop, it is at the head.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, type Head, jsonOf, ModelConnection, ModelLog } from '../../test/modelServer'
import type { WorkflowExecutionUpdate } from './events'
import { absorb, applyUpdate, initialState, type State } from './fold'
import { decodeServer, type Mode } from './messages'
import { formatCursor, parseCursor } from './position'
import { type Held, NOTHING_HELD, Session, type SessionEffect } from './session'

const X = '01JX4Q8ZK3M5N7P9R1T3V5W7Y9'
const SMALL = { frameEvents: 4, windowEvents: 12 }
const VIEWERS = 3

describe('the decision table that both languages are held to', () => {
  type Row = {
    name: string
    cur: string | null
    mode: Mode
    head: Head
    tag: string | null
    result: string
    why: string | null
  }
  const table = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../../protocol/fixtures/resume.json'), 'utf8'),
  ) as Row[]

  it.each(table)('$name', ({ cur, head, tag, mode, result, why }) => {
    const known = tag === null ? null : Number.parseInt(tag, 16)

    expect(decide(parseCursor(cur), head, known, mode)).toEqual({ result, why })
  })
})

/** Events that no other history repeats. */
function anEvent(serial: number, isEnd = false): Record<string, unknown> {
  const at = { timestamp: '2026-11-22T21:30:00.000000Z' }
  const step = { step: 'load', step_id: `load#${serial % 2}` }
  if (isEnd) {
    const totals = { events: serial, logs: 0, errors: 0, dropped: 0 }
    const data = { status: 'completed', totals, result: { output: serial } }
    return { kind: 'execution.completed', type: 'complete', ...at, data }
  }
  if (serial % 3 === 0) {
    const data = { level: serial % 2 ? 'ERROR' : 'INFO', message: `line ${serial} — ✓` }
    return { kind: 'log', type: 'log', ...at, data }
  }
  if (serial % 3 === 1)
    return { kind: 'step.started', type: 'status', ...at, data: { ...step, attempt: serial } }
  return {
    kind: 'step.progressed',
    type: 'progress',
    ...at,
    data: { ...step, done: serial, progress: serial % 90 },
  }
}

/** A page: what it has survives its connections. */
class Viewer {
  held: Held = NOTHING_HELD
  state: State = initialState('', '')
  /** Seqs applied since the snapshot at `base`. */
  base = 0
  seqs: number[] = []
  conflated = false
  told: string[] = []
  readonly mode: Mode
  readonly wholeUpto: number

  constructor(number: number) {
    this.mode = number === 1 ? 'state' : 'full'
    this.wholeUpto = number === 2 ? 30 : 0
  }

  take(effect: SessionEffect): void {
    if (effect.type === 'snapshot') {
      this.state = effect.state
      this.base = effect.cursor.seq
      this.seqs = []
      this.conflated = false
      this.held = { executionId: X, cursor: effect.cursor }
    } else if (effect.type === 'events') {
      if (effect.leftOut) absorb(this.state, effect.leftOut)
      this.conflated ||= effect.leftOut !== null
      for (const update of effect.events) this.#apply(update)
      this.held = { executionId: X, cursor: effect.cursor }
    } else if (effect.type === 'answered') this.told.push(effect.result)
  }

  #apply(update: WorkflowExecutionUpdate): void {
    applyUpdate(this.state, update)
    this.seqs.push(update.seq ?? -1)
  }
}

/** A viewer's socket: frames and messages under way. */
class Connection {
  readonly frames: string[] = []
  readonly session: Session
  readonly server: ModelConnection

  constructor(
    readonly viewer: Viewer,
    log: () => ModelLog,
  ) {
    const { mode, wholeUpto, held } = viewer
    this.server = new ModelConnection(log, frame => this.frames.push(frame), SMALL)
    this.session = new Session({ x: X, mode, wholeUpto, tail: 5 }, held)
    this.carryOut(this.session.opened())
  }

  carryOut(effects: readonly SessionEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') this.server.receive(JSON.stringify(effect.message))
      else this.viewer.take(effect)
    }
  }

  deliver(now: number): void {
    const frame = this.frames.shift()
    const read = frame === undefined ? null : decodeServer(frame)
    if (!read) return
    this.carryOut(this.session.receive(read, now))
    const { message } = read
    if (message.t === 'ev' && message.eos && message.cur === cursorText(this.viewer)) {
      expect(this.viewer.state.totals).toEqual(message.eos) // D6
    }
  }
}

function cursorText({ held }: Viewer): string | null {
  return held.cursor && formatCursor(held.cursor)
}

class World {
  now = 1_000_000
  #serial = 0
  #log = new ModelLog(X, 'w')
  /** By cursor: the fold there. */
  readonly #truth = new Map<string, string>()
  readonly #viewers = Array.from({ length: VIEWERS }, (_, number) => new Viewer(number))
  readonly #connections = new Map<number, Connection>()

  constructor() {
    this.#learn()
  }

  append(size: number): void {
    if (this.#log.closed) return
    for (let n = 0; n < size; n++) {
      this.#serial += 1
      this.#log.append(anEvent(this.#serial))
    }
    this.#learn()
  }

  finish(): void {
    if (this.#log.closed) return
    this.#serial += 1
    this.#log.append(anEvent(this.#serial, true))
    this.#learn()
  }

  trim(share: number): void {
    if (this.#log.closed) this.#log.trimmedUpto = Math.round(share * this.#log.lastSeq)
  }

  /** An older copy comes back, and the execution goes on differently from there. */
  restore(share: number, announced: boolean, grow: number): void {
    const epoch = announced ? `${this.#serial}`.padStart(8, '0') : this.#log.epoch
    this.#log = this.#log.copy(Math.round(share * this.#log.lastSeq), epoch)
    this.#learn()
    this.append(grow)
  }

  connect(number: number): void {
    const viewer = this.#viewers[number]
    if (viewer) this.#connections.set(number, new Connection(viewer, () => this.#log))
  }

  /** The connection ends after byte k: whole frames before it arrive. */
  cut(number: number, share: number): void {
    const connection = this.#connections.get(number)
    this.#connections.delete(number)
    if (!connection) return
    let left = share * connection.frames.join('').length
    for (let frame = connection.frames[0]; frame !== undefined; frame = connection.frames[0]) {
      left -= frame.length
      if (left < 0) return
      connection.deliver(this.now)
    }
  }

  /** Zero of both is a stall. */
  work(number: number, sent: number, delivered: number): void {
    const connection = this.#connections.get(number)
    connection?.server.pump(sent)
    for (let n = 0; n < delivered; n++) connection?.deliver(this.now)
  }

  /** Something loses, repeats, swaps or alters a frame: no socket does, a faulty server or proxy might. */
  meddle(number: number, fault: 'lose' | 'repeat' | 'swap' | 'alter', place: number): void {
    const connection = this.#connections.get(number)
    connection?.server.pump(3)
    const frames = connection?.frames ?? []
    // What a conflated frame leaves unproven cannot be checked.
    const isCheckable = (frame: string) => frame.includes('\n') && !frame.includes('"cf"')
    const at = fault === 'alter' ? frames.findIndex(isCheckable) : place % Math.max(1, frames.length)
    const frame = frames[at]
    if (frame === undefined) return
    if (fault === 'lose') frames.splice(at, 1)
    if (fault === 'repeat') frames.push(frame)
    if (fault === 'swap') frames.push(...frames.splice(at, 1))
    if (fault === 'alter') {
      const [header, ...lines] = frame.split('\n')
      const altered = lines.map(line =>
        line.replace('"done":', '"done":1').replace('"attempt":', '"attempt":1'),
      )
      frames[at] = [header, ...altered].join('\n')
    }
  }

  /** Time passes, or the clock is set. */
  wait(seconds: number): void {
    this.now += seconds * 1_000
    for (const connection of this.#connections.values()) {
      connection.carryOut(connection.session.tick(this.now))
      if (Math.abs(seconds) >= 15) connection.server.ping()
    }
  }

  /** D3: with the faults over, everybody is at the head after a few heartbeats. */
  settle(): void {
    for (let round = 0; round < 4; round++) {
      for (let number = 0; number < VIEWERS; number++) {
        if (!this.#connections.has(number)) this.connect(number)
        this.#drain(number)
      }
      this.wait(15)
    }
    for (let number = 0; number < VIEWERS; number++) this.#drain(number)
    const head = formatCursor(this.#log.cursorAt(this.#log.lastSeq))
    for (const viewer of this.#viewers) {
      expect(cursorText(viewer), viewer.told.join()).toBe(head)
      expect(viewer.state.closed).toBe(this.#log.closed)
    }
  }

  check(): void {
    for (const viewer of this.#viewers) {
      const cursor = cursorText(viewer)
      if (cursor === null || viewer.held.cursor === null) continue
      const { seq } = viewer.held.cursor
      expect(JSON.stringify(jsonOf(viewer.state))).toBe(this.#truth.get(cursor))
      const all = Array.from({ length: seq - viewer.base }, (_, index) => viewer.base + index + 1)
      if (!viewer.conflated) expect(viewer.seqs).toEqual(all)
    }
  }

  #drain(number: number): void {
    const connection = this.#connections.get(number)
    if (!connection) return
    for (let idle = 0; idle < 2; ) {
      connection.server.pump()
      idle = connection.frames.length === 0 ? idle + 1 : 0
      while (connection.frames.length > 0) connection.deliver(this.now)
      this.wait(1) // acks
    }
  }

  #learn(): void {
    for (let seq = 0; seq <= this.#log.lastSeq; seq++) {
      const cursor = formatCursor(this.#log.cursorAt(seq))
      const state = JSON.stringify(jsonOf(this.#log.stateAt(seq)))
      expect(this.#truth.get(cursor) ?? state).toBe(state) // L2
      this.#truth.set(cursor, state)
    }
  }
}

type Step = (world: World) => void
const viewer = fc.nat(VIEWERS - 1)
const share = fc.double({ min: 0, max: 1, noNaN: true })
const named = <Values extends unknown[]>(name: string, act: (world: World, ...values: Values) => void) => {
  return (values: Values) => {
    const step: Step = world => act(world, ...values)
    return Object.defineProperty(step, fc.toStringMethod, { value: () => `${name}(${values.join(', ')})` })
  }
}
const steps = fc.oneof(
  {
    arbitrary: fc.tuple(fc.integer({ min: 1, max: 9 })).map(named('append', (world, n) => world.append(n))),
    weight: 5,
  },
  { arbitrary: fc.tuple(viewer).map(named('connect', (world, v) => world.connect(v))), weight: 3 },
  {
    arbitrary: fc
      .tuple(viewer, fc.nat(6), fc.nat(8))
      .map(named('work', (world, v, s, d) => world.work(v, s, d))),
    weight: 8,
  },
  { arbitrary: fc.tuple(viewer, share).map(named('cut', (world, v, k) => world.cut(v, k))), weight: 2 },
  {
    arbitrary: fc
      .tuple(viewer, fc.constantFrom('lose', 'repeat', 'swap', 'alter'), fc.nat(5))
      .map(named('meddle', (world, v, fault, place) => world.meddle(v, fault, place))),
    weight: 4,
  },
  {
    arbitrary: fc
      .tuple(share, fc.boolean(), fc.nat(9))
      .map(named('restore', (world, keep, announced, grow) => world.restore(keep, announced, grow))),
    weight: 2,
  },
  {
    arbitrary: fc
      .tuple(fc.constantFrom(0, 0.5, 1, 7, 15, 3_600, -3_600))
      .map(named('wait', (world, s) => world.wait(s))),
    weight: 3,
  },
  { arbitrary: fc.tuple(share).map(named('trim', (world, k) => world.trim(k))), weight: 1 },
  { arbitrary: fc.constant([] as []).map(named('finish', world => world.finish())), weight: 1 },
)

it('a viewer’s events are snapshot(S), S+1, S+2, … over any faults, and its state is their fold', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60, size: 'max' }), course => {
      const world = new World()
      for (const step of course) {
        step(world)
        world.check()
      }
      world.settle()
      world.check()
    }),
    { numRuns: 100 },
  )
}, 30_000)
