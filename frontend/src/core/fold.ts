/**
 * The state of an execution as a fold over its events: pure, total, monotonic.
 *
 * The same fold stands in `backend/src/headway/domain/execution.py`, field for field; both are held to
 * `protocol/fixtures/fold/*.json`.
 */

import {
  type DataByKind,
  isKnown,
  isRecord,
  isTerminal,
  type KnownEvent,
  type PlannedStep,
  type Totals,
  type WorkflowExecutionUpdate,
} from './events'
import type { LeftOut } from './messages'
import {
  answerApproval,
  closeWaiting,
  copyWaiting,
  endWait,
  initialWaiting,
  isWaiting,
  receiveSignal,
  requestApproval,
  startWait,
  type Waiting,
  waitingFromJson,
} from './waiting'

/** Finished steps beyond it leave the state, oldest first; `counts` keeps them. */
export const MAX_STEPS = 1_000
/** Effective controls beyond it leave the state, oldest first. */
export const MAX_CONTROLS = 100

export type StepState = {
  step_id: string
  name: string
  status: string
  attempt: number
  parent: string | null
  started_at: string | null
  ended_at: string | null
  done: number | null
  total: number | null
  unit: string | null
  message: string | null
  error: string | null
}
export type Counts = {
  events: number
  logs: number
  errors: number
  dropped: number
  steps: number
  steps_completed: number
  steps_failed: number
}
export type ControlState = {
  control_id: string
  control: string
  stage: string
  by: string | null
  requested_at: string | null
  /** Its worker is ended if it does not answer. */
  force: boolean
}
export type OutputState = { name: string; media_type: string; size: number }

/** Everything a late viewer needs, without the log lines. `closed` is final. Times are RFC 3339 UTC. */
export type State = {
  execution_id: string
  workflow_id: string
  seq: number
  status: string
  phase: string
  progress: number
  indeterminate: boolean
  /** As the workflow's body says it, outside any step. */
  done: number | null
  total: number | null
  unit: string | null
  attempt: number
  message: string | null
  step: string | null
  step_id: string | null
  error: string | null
  error_code: string | null
  traceback: string | null
  input: unknown
  output: unknown
  by: string | null
  worker: string | null
  retry_of: string | null
  from_step: string | null
  queued_at: string | null
  started_at: string | null
  ended_at: string | null
  updated_at: string | null
  plan: PlannedStep[]
  steps: Map<string, StepState>
  controls: Map<string, ControlState>
  outputs: Map<string, OutputState>
  waiting: Waiting
  counts: Counts
  totals: Totals | null
  closed: boolean
}

export function initialState(executionId: string, workflowId: string): State {
  return {
    execution_id: executionId,
    workflow_id: workflowId,
    seq: 0,
    status: 'running',
    phase: 'queued',
    progress: 0,
    indeterminate: false,
    ...{ done: null, total: null, unit: null },
    attempt: 0,
    ...{ message: null, step: null, step_id: null, error: null, error_code: null, traceback: null },
    ...{ input: null, output: null, by: null, worker: null, retry_of: null, from_step: null },
    ...{ queued_at: null, started_at: null, ended_at: null, updated_at: null },
    plan: [],
    steps: new Map(),
    controls: new Map(),
    outputs: new Map(),
    waiting: initialWaiting(),
    counts: { events: 0, logs: 0, errors: 0, dropped: 0, steps: 0, steps_completed: 0, steps_failed: 0 },
    totals: null,
    closed: false,
  }
}

/** The state after `update`; `state` itself is left as it was. */
export function fold(state: State, update: WorkflowExecutionUpdate): State {
  const twin = copyState(state)
  applyUpdate(twin, update)
  return twin
}

/** A state of its own: no step, control or count is shared with this one. */
export function copyState(state: State): State {
  return {
    ...state,
    steps: new Map([...state.steps].map(([id, step]) => [id, { ...step }])),
    controls: new Map([...state.controls].map(([id, control]) => [id, { ...control }])),
    outputs: new Map(state.outputs),
    waiting: copyWaiting(state.waiting),
    counts: { ...state.counts },
  }
}

/**
 * Apply the next update in place, for an owner that shares the state with nobody.
 *
 * Duplicates, old seqs and anything after the end change nothing.
 *
 * @returns whether anything changed.
 */
export function applyUpdate(state: State, update: WorkflowExecutionUpdate): boolean {
  if (state.closed || (update.seq !== undefined && update.seq <= state.seq)) return false
  state.updated_at = update.timestamp
  if (update.seq !== undefined) {
    state.seq = update.seq
    state.counts.events += 1
  }
  if (isKnown(update)) applyKnown(state, update)
  else applyUnknown(state, update)
  return true
}

/** Count the events that a conflated frame leaves out, in place; before its lines are applied. */
export function absorb(state: State, { events, logs, errors }: LeftOut): void {
  if (state.closed) return
  state.counts.events += events
  state.counts.logs += logs
  state.counts.errors += errors
}

function applyKnown(state: State, event: KnownEvent): void {
  const { counts } = state
  const at = event.timestamp
  switch (event.kind) {
    case 'log':
      counts.logs += 1
      if (event.data.level === 'ERROR' || event.data.level === 'CRITICAL') counts.errors += 1
      return
    case 'step.started':
      return startStep(state, event.data, at)
    case 'step.completed':
      endStep(state, event.data, 'completed', at)
      counts.steps_completed += 1
      return advance(state, event.data)
    case 'step.progressed':
      return progressStep(state, event.data)
    case 'step.retrying': {
      counts.logs += 1
      counts.errors += 1
      const { attempt, error } = event.data
      Object.assign(stepOf(state, event.data, at), { status: 'retrying', attempt, error })
      return
    }
    case 'step.failed':
      counts.logs += 1
      counts.errors += 1
      counts.steps_failed += 1
      endStep(state, { ...event.data, message: '' }, 'failed', at).error = event.data.error
      return
    case 'step.skipped':
      endStep(state, event.data, 'skipped', at)
      return
    case 'step.cancelled':
      endStep(state, event.data, 'cancelled', at)
      return
    case 'output': {
      const { name, media_type, size } = event.data
      counts.logs += 1
      state.outputs.set(name, { name, media_type, size })
      return
    }
    case 'gap':
      counts.logs += 1
      counts.dropped += event.data.dropped
      return
    case 'approval.requested':
      requestApproval(state.waiting, event.data, at)
      state.message = event.data.message
      return settlePhase(state)
    case 'approval.answered':
      answerApproval(state.waiting, event.data, at)
      return settlePhase(state)
    case 'wait.started':
      startWait(state.waiting, event.data, at)
      state.message = event.data.message || state.message
      return settlePhase(state)
    case 'wait.ended':
      endWait(state.waiting, event.data)
      return settlePhase(state)
    case 'signal.received':
      return receiveSignal(state.waiting, event.data)
    case 'control.requested':
      noteControl(state, event.data, 'requested', at)
      state.phase = event.data.phase || state.phase
      return
    case 'control.delivered':
      return noteControl(state, event.data, 'delivered', at)
    case 'control.effective':
      return noteControl(state, event.data, 'effective', at)
    default:
      return applyExecution(state, event)
  }
}

type ExecutionEvent = Extract<KnownEvent, { kind: `execution.${string}` }>

function applyExecution(state: State, event: ExecutionEvent): void {
  const at = event.timestamp
  switch (event.kind) {
    case 'execution.queued':
      state.input = event.data.input ?? null
      state.by = event.data.by ?? null
      state.retry_of = event.data.retry_of ?? null
      state.from_step = event.data.from_step ?? null
      state.plan = event.data.plan ?? []
      state.queued_at = at
      return
    case 'execution.started':
    case 'execution.resumed':
      state.started_at ||= at
      state.phase = 'running'
      state.attempt = event.data.attempt
      state.worker = event.data.worker
      if (event.data.plan?.length || event.kind === 'execution.started') state.plan = event.data.plan ?? []
      state.waiting.waits.clear() // who goes on says anew what for; questions to people stay open
      settlePhase(state)
      return advance(state, event.data)
    case 'execution.completed':
      state.progress = 100
      state.output = event.data.result.output ?? null
      state.message = event.data.message ?? 'completed'
      return close(state, 'completed', event.data.totals, at)
    case 'execution.failed':
      state.error = event.data.error
      state.error_code = event.data.code ?? 'workflow_failed'
      state.traceback = event.data.traceback ?? null
      state.step = event.data.step || state.step
      state.step_id = event.data.step_id || state.step_id
      return close(state, 'failed', event.data.totals, at)
    case 'execution.cancelled':
      state.message = event.data.message ?? 'cancelled'
      return close(state, 'cancelled', event.data.totals, at)
    default:
      return event satisfies never
  }
}

/** A kind of a newer server, or a frame of a plain one: what every viewer may read still holds. */
function applyUnknown(state: State, update: WorkflowExecutionUpdate): void {
  const { data, timestamp: at } = update
  if (update.type === 'log') state.counts.logs += 1
  if (typeof data.progress === 'number') advance(state, data)
  state.message = text(data.message) || state.message
  state.step = text(data.step) || state.step
  state.step_id = text(data.step_id) || state.step_id
  state.phase = text(data.phase) || text(data.status) || state.phase
  if (state.phase !== 'queued') state.started_at ||= at
  if (!isTerminal(update)) return
  if (data.status === 'completed') state.progress = 100
  if (data.status === 'failed') state.error = text(data.error) || text(data.message) || 'failed'
  const result = isRecord(data.result) ? data.result : {}
  if (data.status === 'completed') state.output = result['output'] ?? null
  close(state, data.status as string, null, at)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function startStep(state: State, data: DataByKind['step.started'], at: string): void {
  const known = state.steps.get(data.step_id)
  if (!known) {
    state.counts.steps += 1
    makeRoom(state)
  }
  state.steps.set(data.step_id, {
    ...newStep(data.step_id, data.step, known ? known.started_at : at),
    attempt: data.attempt ?? 1,
    parent: data.parent ?? null,
    total: data.total ?? null,
    unit: data.unit ?? null,
    message: data.message ?? null,
  })
  state.step = data.step
  state.step_id = data.step_id
  state.message = data.message || state.message
}

function progressStep(state: State, data: DataByKind['step.progressed']): void {
  advance(state, data)
  state.message = data.message || state.message
  if (data.step_id === undefined) return count(state, data)
  const step = data.step === undefined ? undefined : state.steps.get(data.step_id)
  if (!step) return // progress makes no step: an earlier one may be left out where a later one says it all
  count(step, data)
  step.message = data.message || step.message
}

function count(counting: State | StepState, data: DataByKind['step.progressed']): void {
  counting.done = data.done ?? counting.done
  counting.total = data.total ?? counting.total
  counting.unit = data.unit || counting.unit
}

type NamedStep = { step: string; step_id: string; message?: string }

function endStep(state: State, data: NamedStep, status: string, at: string): StepState {
  const step = stepOf(state, data, at)
  step.status = status
  step.ended_at = at
  step.message = data.message || step.message
  return step
}

/** The step, made where its start fell out of the state or was never seen. */
function stepOf(state: State, { step_id, step }: NamedStep, at: string): StepState {
  const known = state.steps.get(step_id)
  if (known) return known
  makeRoom(state)
  const made = newStep(step_id, step, at)
  state.steps.set(step_id, made)
  return made
}

function newStep(stepId: string, name: string, startedAt: string | null): StepState {
  const unknown = {
    parent: null,
    ended_at: null,
    done: null,
    total: null,
    unit: null,
    message: null,
    error: null,
  }
  return { step_id: stepId, name, status: 'running', attempt: 1, started_at: startedAt, ...unknown }
}

function makeRoom(state: State): void {
  if (state.steps.size < MAX_STEPS) return
  for (const [id, step] of state.steps) {
    if (step.ended_at === null) continue
    state.steps.delete(id)
    return
  }
  const [oldest] = state.steps.keys()
  if (oldest !== undefined) state.steps.delete(oldest)
}

function advance(state: State, data: { progress?: number; indeterminate?: boolean }): void {
  if (data.progress !== undefined && data.progress > state.progress) state.progress = data.progress
  state.indeterminate = data.indeterminate ?? false
}

/** Running and waiting follow from what is waited for; the other phases do not. */
function settlePhase(state: State): void {
  if (state.phase === 'running' || state.phase === 'waiting')
    state.phase = isWaiting(state.waiting) ? 'waiting' : 'running'
}

function noteControl(state: State, data: DataByKind['control.requested'], stage: string, at: string): void {
  const known = state.controls.get(data.control_id)
  if (!known && state.controls.size >= MAX_CONTROLS) {
    const [oldest] = state.controls.keys()
    const done = [...state.controls.values()].find(control => control.stage === 'effective')
    state.controls.delete(done?.control_id ?? (oldest as string))
  }
  state.controls.set(data.control_id, {
    control_id: data.control_id,
    control: data.control,
    stage,
    by: data.by || known?.by || null,
    requested_at: known ? known.requested_at : at,
    force: data.force || known?.force || false,
  })
}

/** End every step that still runs: nobody is left to run it. */
function close(state: State, status: string, totals: Totals | null, at: string): void {
  Object.assign(state, { status, phase: status, totals, ended_at: at, closed: true })
  if (status === 'completed') state.indeterminate = false
  closeWaiting(state.waiting)
  for (const step of state.steps.values()) {
    if (step.ended_at === null) Object.assign(step, { status: 'cancelled', ended_at: at })
  }
}

/**
 * Read the JSON form of a state, as `GET /api/executions/{id}` and snapshot frames carry it.
 *
 * @returns the state with absent fields at their defaults, or `null` where the value is no state.
 */
export function stateFromJson(value: unknown): State | null {
  if (!isRecord(value)) return null
  const { execution_id, workflow_id, steps, controls, outputs, waiting, counts } = value
  if (typeof execution_id !== 'string' || typeof workflow_id !== 'string') return null
  const blank = initialState(execution_id, workflow_id)
  return {
    ...blank,
    ...(value as Partial<State>),
    steps: entries(steps, (id, step) => ({ ...newStep(id, id, null), ...(step as Partial<StepState>) })),
    controls: entries(controls, (_, control) => ({
      by: null,
      requested_at: null,
      force: false,
      ...(control as Omit<ControlState, 'by' | 'requested_at' | 'force'>),
    })),
    outputs: entries(outputs, (_, output) => output as OutputState),
    waiting: waitingFromJson(waiting),
    counts: { ...blank.counts, ...(counts as Partial<Counts>) },
  }
}

function entries<T>(value: unknown, read: (key: string, item: Record<string, unknown>) => T): Map<string, T> {
  if (!isRecord(value)) return new Map()
  return new Map(
    Object.entries(value).flatMap(([key, item]) => (isRecord(item) ? [[key, read(key, item)]] : [])),
  )
}
