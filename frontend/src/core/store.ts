/**
 * What a page holds of one execution: mutable inside, immutable slices outside, at most 20 flushes a second.
 *
 * The first change after a quiet moment is shown at once; under load changes gather until the next animation frame,
 * or a plain timer where the tab is hidden and runs none. What was applied last, and the cursor that proves it, live
 * here, not in the socket: a second socket on the same store (a remount, a reconnect) repeats nothing.
 */

import { ChunkedLog } from './chunks'
import type { ConnectionState } from './connection'
import { isTerminal, type WorkflowExecutionUpdate } from './events'
import {
  absorb,
  applyUpdate,
  type Counts,
  copyState,
  initialState,
  type OutputState,
  type State,
  type StepState,
} from './fold'
import { ExecutionHistory } from './history'
import { levelRank } from './logChunk'
import type { LeftOut, Why } from './messages'
import { type Cursor, formatCursor } from './position'
import { noteReceipt, type Receipt, type ReceiptNotes, receiptsOf } from './receipts'
import type { Held } from './session'
import type { ApprovalState, WaitState } from './waiting'

export const FLUSH_MS = 50
/** Steps are drawn as whole lists and counted by eye: under load, so often is enough. */
export const HISTORY_MS = 150

/** Everything of the state but its maps; a new object whenever something in it changed. */
export type Summary = Readonly<Omit<State, 'steps' | 'controls' | 'outputs' | 'waiting' | 'counts'>> & {
  readonly counts: Readonly<Counts>
  readonly outputs: readonly OutputState[]
  /** Seq of the first event whose log lines are here; above 1 where a long log was joined late. */
  readonly firstSeq: number
  /** Events applied to this page's log, by seq. */
  readonly lastSeq: number
  /** After this seq each event was checked against the server's hash chain; null where it has none. */
  readonly verifiedFrom: number | null
  /** Why what was shown before had to go; null where nothing was wrong with it. */
  readonly resetBy: Why | null
}
/** When each step ran; one object for the life of an execution, whose `version` grows. */
export type HistorySlice = { readonly history: ExecutionHistory; readonly version: number }
/** `lines` counts messages, held or not; `end` is the cursor at the end of a log that is closed, where it is known. */
export type LogSlice = { readonly log: ChunkedLog; readonly lines: number; readonly end: string | null }
/** What the execution waits for, what it asks people, and what people asked of it; each oldest first. */
export type ControlsSlice = {
  readonly waits: readonly WaitState[]
  readonly approvals: readonly ApprovalState[]
  readonly receipts: readonly Receipt[]
}
export type ConnectionSlice = { readonly state: ConnectionState; readonly heardAt: number | null }
export type Slices = {
  summary: Summary
  steps: readonly StepState[]
  history: HistorySlice
  controls: ControlsSlice
  log: LogSlice
  connection: ConnectionSlice
}
export type SliceName = keyof Slices

/** A state as a server gives it; `logs` are the last log events before it, oldest first. */
export type Snapshot = {
  state: State
  logs?: readonly WorkflowExecutionUpdate[]
  cursor?: Cursor | null
  why?: Why | null
}
/** Events up to `cursor`, and the counts of those that were left out. */
export type Frame = {
  events: readonly WorkflowExecutionUpdate[]
  cursor: Cursor
  leftOut?: LeftOut | null
}

/** How the store waits; injected in tests. */
export interface FlushClock {
  now(): number
  /** Call back after `ms`, in an animation frame where the page is visible. */
  later(callback: () => void, ms: number): void
}

const browserClock: FlushClock = {
  now: () => performance.now(),
  later: (callback, ms) => {
    setTimeout(() => {
      if (typeof document !== 'undefined' && document.visibilityState === 'visible')
        requestAnimationFrame(callback)
      else callback()
    }, ms)
  },
}

export class ExecutionStore {
  readonly #clock: FlushClock
  readonly #listeners: Record<SliceName, Set<() => void>> = {
    summary: new Set(),
    steps: new Set(),
    history: new Set(),
    controls: new Set(),
    log: new Set(),
    connection: new Set(),
  }
  readonly #dirty = new Set<SliceName>()
  readonly #dirtySteps = new Set<string>()
  #stepCopies = new Map<string, StepState>()
  #receiptNotes = new Map<string, ReceiptNotes>()
  #state: State
  #log = new ChunkedLog()
  #history = new ExecutionHistory()
  #firstSeq = 1
  #lastSeq = 0
  #cursor: Cursor | null = null
  #verifiedFrom: number | null = null
  #resetBy: Why | null = null
  #connection: ConnectionSlice = { state: { name: 'idle' }, heardAt: null }
  #slices: Slices
  #flushedAt = Number.NEGATIVE_INFINITY
  #historyAt = Number.NEGATIVE_INFINITY
  #waiting = false

  constructor(workflowId: string, clock: FlushClock = browserClock) {
    this.#clock = clock
    this.#state = initialState('', workflowId)
    this.#slices = {
      summary: this.#summary(),
      steps: [],
      history: { history: this.#history, version: 0 },
      controls: this.#controls(),
      log: { log: this.#log, lines: 0, end: null },
      connection: this.#connection,
    }
  }

  /** Last applied seq; where a new connection goes on. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  get executionId(): string {
    return this.#state.execution_id
  }

  /** What is applied, with the server's proof of it where there is one. */
  get held(): Held {
    return { executionId: this.executionId || null, cursor: this.#cursor }
  }

  /** The execution has ended; nothing follows. */
  get isClosed(): boolean {
    return this.#state.closed
  }

  /** The slice as of the last flush: the same object while nothing in it changed. */
  get<Name extends SliceName>(name: Name): Slices[Name] {
    return this.#slices[name]
  }

  /** Call `listener` after each flush that changed the slice; the returned function ends it. */
  subscribe(name: SliceName, listener: () => void): () => void {
    this.#listeners[name].add(listener)
    return () => this.#listeners[name].delete(listener)
  }

  /** Start over with an execution; `after` is the seq before the first event to come. */
  reset(executionId: string, workflowId: string, after = 0): void {
    this.#begin({ state: initialState(executionId, workflowId) }, after)
  }

  /** Start from a snapshot: the state, with the last log events before it. */
  adopt(snapshot: Snapshot): void {
    this.#begin({ ...snapshot, state: copyState(snapshot.state) }, snapshot.state.seq)
  }

  #begin({ state, logs = [], cursor = null, why = null }: Snapshot, after: number): void {
    this.#state = state
    this.#cursor = cursor
    this.#verifiedFrom = cursor?.seq ?? null
    this.#resetBy = why
    this.#log = new ChunkedLog()
    this.#log.begin(Math.max(0, state.counts.logs - logs.length))
    for (const update of logs) this.#addMessage(update)
    this.#history = new ExecutionHistory(state)
    this.#historyAt = Number.NEGATIVE_INFINITY
    this.#firstSeq = state.seq > 0 ? 1 : after + 1
    this.#lastSeq = after
    this.#stepCopies = new Map()
    this.#receiptNotes = new Map()
    for (const id of state.steps.keys()) this.#dirtySteps.add(id)
    this.#touch('summary', 'steps', 'history', 'controls', 'log')
  }

  /** Apply an update in order; a repeated one changes nothing. */
  apply(update: WorkflowExecutionUpdate): void {
    const { seq } = update
    if (seq !== undefined) {
      if (seq <= this.#lastSeq) return
      this.#lastSeq = seq
    }
    const isLog = update.type === 'log'
    if (isLog) this.#addMessage(update)
    if (applyUpdate(this.#state, update)) this.#markSteps(update)
    const isHistory = this.#history.apply(update)
    noteReceipt(this.#receiptNotes, update)
    const others: SliceName[] = isHistory ? ['history'] : []
    if (isLog) others.push('log')
    if (concernsControls(update)) others.push('controls')
    this.#touch('summary', ...others)
  }

  /** Apply all that a frame covers, and be where it ends. */
  follow({ events, cursor, leftOut = null }: Frame): void {
    if (leftOut) {
      absorb(this.#state, leftOut)
      // The lines that a frame leaves out come before those that it has.
      this.#log.begin(this.#log.messages + leftOut.logs)
      if (leftOut.logs > 0) this.#touch('log')
      this.#verifiedFrom = cursor.seq
    }
    for (const update of events) this.apply(update)
    this.#cursor = cursor
    this.#lastSeq = cursor.seq
    if (this.#state.closed) this.#touch('log')
  }

  /** Take in what the history of the time before this page's first event tells. */
  absorbHistory(earlier: ExecutionHistory): void {
    this.#history.absorb(earlier)
    this.#touch('history')
  }

  setConnection(state: ConnectionState, heardAt: number | null): void {
    this.#connection = { state, heardAt }
    this.#touch('connection')
  }

  /** Make new slices of all that changed and tell their listeners. */
  flush(): void {
    this.#tell([...this.#dirty])
  }

  /** A history that was told of a moment ago waits, unless nothing more comes. */
  #flushDue(): void {
    const waits = !this.#state.closed && this.#clock.now() < this.#historyAt + HISTORY_MS
    this.#tell([...this.#dirty].filter(name => name !== 'history' || !waits))
    if (this.#dirty.size > 0) this.#touch()
  }

  #tell(names: readonly SliceName[]): void {
    this.#flushedAt = this.#clock.now()
    for (const name of names) this.#dirty.delete(name)
    for (const name of names) this.#renew(name)
    for (const name of names) for (const listener of [...this.#listeners[name]]) listener()
  }

  #addMessage({ data, timestamp, kind, seq }: WorkflowExecutionUpdate): void {
    this.#log.push({
      text: typeof data.message === 'string' ? data.message : '',
      level: levelRank(data.level),
      time: Date.parse(timestamp),
      step: data.step_id,
      gap: kind === 'gap',
      seq,
    })
  }

  #markSteps(update: WorkflowExecutionUpdate): void {
    if (isTerminal(update)) for (const id of this.#state.steps.keys()) this.#dirtySteps.add(id)
    else if (update.kind.startsWith('step.') && update.data.step_id) this.#dirtySteps.add(update.data.step_id)
    else return
    this.#touch('steps')
  }

  #renew(name: SliceName): void {
    if (name === 'summary') this.#slices.summary = this.#summary()
    else if (name === 'steps') this.#slices.steps = this.#steps()
    else if (name === 'history') {
      this.#historyAt = this.#flushedAt
      this.#slices.history = { history: this.#history, version: this.#history.version }
    } else if (name === 'controls') this.#slices.controls = this.#controls()
    else if (name === 'log')
      this.#slices.log = { log: this.#log, lines: this.#log.messages, end: this.#end() }
    else this.#slices.connection = this.#connection
  }

  /** The terminal event is in the state before the frame's cursor is. */
  #end(): string | null {
    const isThere = this.#state.closed && this.#cursor?.seq === this.#state.seq
    return isThere && this.#cursor ? formatCursor(this.#cursor) : null
  }

  #summary(): Summary {
    const { steps: _steps, controls: _controls, waiting: _waiting, outputs, counts, ...rest } = this.#state
    const own = {
      firstSeq: this.#firstSeq,
      lastSeq: this.#lastSeq,
      verifiedFrom: this.#verifiedFrom,
      resetBy: this.#resetBy,
    }
    return { ...rest, ...own, outputs: [...outputs.values()], counts: { ...counts } }
  }

  #steps(): StepState[] {
    for (const id of this.#dirtySteps) {
      const step = this.#state.steps.get(id)
      if (step) this.#stepCopies.set(id, { ...step })
      else this.#stepCopies.delete(id)
    }
    this.#dirtySteps.clear()
    return [...this.#state.steps].map(([id, step]) => this.#stepCopies.get(id) ?? { ...step })
  }

  #controls(): ControlsSlice {
    const { controls, waiting } = this.#state
    return {
      waits: [...waiting.waits.values()],
      approvals: [...waiting.approvals.values()].map(approval => ({ ...approval })),
      receipts: receiptsOf(controls, this.#receiptNotes),
    }
  }

  #touch(...names: SliceName[]): void {
    for (const name of names) this.#dirty.add(name)
    if (this.#waiting) return
    const wait = this.#flushedAt + FLUSH_MS - this.#clock.now()
    if (wait <= 0) {
      this.#flushDue()
      return
    }
    this.#waiting = true
    this.#clock.later(() => {
      this.#waiting = false
      this.#flushDue()
    }, wait)
  }
}

/** Taking up and ending an execution changes what it waits for, too. */
function concernsControls(update: WorkflowExecutionUpdate): boolean {
  return /^(control|approval|wait|signal|execution)\./.test(update.kind) || isTerminal(update)
}
