/**
 * The event union by kind, and the one place where `unknown` becomes an update.
 *
 * Defaults are not sent: an absent `attempt` is 1, an absent `level` INFO. Unknown kinds and keys pass through, so
 * that an older page goes on with a newer server.
 */

export type WireType = 'status' | 'log' | 'progress' | 'error' | 'complete'
export type Status = 'running' | 'completed' | 'failed' | 'cancelled'
export type Phase = Status | 'queued' | 'waiting' | 'cancelling'
export type StepStatus = 'running' | 'retrying' | 'completed' | 'failed' | 'skipped' | 'cancelled'

export type Totals = { events: number; logs: number; errors: number; dropped: number }
export type PlannedStep = { name: string; after: string[]; weight: number }

/** What `onExecutionComplete` gets. */
export type ExecutionResult = {
  execution_id: string
  status: Status
  output: unknown
  error: string | null
  totals: Totals | null
}

type Step = { step: string; step_id: string; attempt?: number; message?: string }
type Progress = { progress?: number; indeterminate?: boolean }
type TakenUp = Progress & {
  attempt: number
  worker: string
  reused_steps?: number
  plan?: PlannedStep[]
  message?: string
}
type Ended = { totals: Totals; result: ExecutionResult; message?: string }
type Wait = { wait_id: string; wait: string; name?: string; step_id?: string }
type Control = { control: string; control_id: string; by?: string; message?: string; force?: boolean }

/** `data` of each kind. */
export type DataByKind = {
  'execution.queued': {
    input: unknown
    by?: string
    retry_of?: string
    from_step?: string
    plan?: PlannedStep[]
    message?: string
  }
  'execution.started': TakenUp
  'execution.resumed': TakenUp
  'execution.completed': Ended
  'execution.failed': Ended & {
    error: string
    code?: string
    traceback?: string
    step?: string
    step_id?: string
  }
  'execution.cancelled': Ended & { by?: string }
  'step.started': Step & { parent?: string; total?: number; unit?: string; weight?: number }
  'step.progressed': Progress & {
    step?: string
    step_id?: string
    done?: number
    total?: number
    unit?: string
    message?: string
  }
  'step.retrying': Step & {
    attempt: number
    max_attempts: number
    backoff_s: number
    message: string
    error: string
    traceback?: string
  }
  'step.completed': Step & Progress & { duration_s?: number; reused?: boolean; result?: unknown }
  'step.failed': Step & {
    message: string
    error: string
    traceback?: string
    duration_s?: number
    input?: string
  }
  'step.skipped': Step
  'step.cancelled': Step
  log: { message: string; level?: string; step_id?: string; step?: string; logger?: string; stream?: string }
  output: { name: string; media_type: string; size: number; sha256: string; message: string }
  gap: { dropped: number; logs?: number; progress?: number; message: string }
  'control.requested': Control & { phase?: string }
  'control.delivered': Control
  'control.effective': Control
  'approval.requested': {
    approval_id: string
    message: string
    step_id?: string
    form?: unknown
    deadline?: string
    on_deadline?: string
  }
  'approval.answered': {
    approval_id: string
    approved: boolean
    phase?: string
    by?: string
    values?: unknown
    reason?: string
    expired?: boolean
    control_id?: string
    message?: string
  }
  'wait.started': Wait & { until?: string; message?: string }
  'wait.ended': Wait & { outcome: string; phase?: string; signal_id?: string }
  'signal.received': { signal_id: string; name: string; value?: unknown; by?: string }
}
export type Kind = keyof DataByKind

/** `data` as anybody may read it, whatever the kind. */
export type UpdateData = {
  status?: Status
  phase?: string
  message?: string
  progress?: number
  indeterminate?: boolean
  step?: string
  step_id?: string
  error?: string
  level?: string
  result?: unknown
  [key: string]: unknown
}

/** One frame of the feed, decoded: an event, or a folded status (`snapshot` or `beat`, without `seq`). */
export type WorkflowExecutionUpdate = {
  type: WireType
  kind: string
  timestamp: string
  data: UpdateData
  execution_id?: string
  workflow_id?: string
  seq?: number
  /** Folded frames: the seq up to which they were folded. */
  as_of?: number
  snapshot?: boolean
  beat?: boolean
  state?: unknown
}

/** An update of a kind this page knows, its `data` checked when it was decoded. */
export type KnownEvent = {
  [K in Kind]: Omit<WorkflowExecutionUpdate, 'kind' | 'data' | 'seq'> & {
    kind: K
    data: DataByKind[K]
    seq: number
  }
}[Kind]

/** The frame is none this protocol knows. */
export class InvalidFrame extends Error {
  override readonly name = 'InvalidFrame'
}

const WIRE_TYPES: ReadonlySet<unknown> = new Set(['status', 'log', 'progress', 'error', 'complete'])

/** The fields without which an event of the kind cannot be folded; `object` stands for arrays too. */
const REQUIRED: Record<Kind, Readonly<Record<string, 'string' | 'number' | 'boolean' | 'object'>>> = {
  'execution.queued': {},
  'execution.started': { attempt: 'number', worker: 'string' },
  'execution.resumed': { attempt: 'number', worker: 'string' },
  'execution.completed': { totals: 'object', result: 'object' },
  'execution.failed': { error: 'string', totals: 'object', result: 'object' },
  'execution.cancelled': { totals: 'object', result: 'object' },
  'step.started': { step: 'string', step_id: 'string' },
  'step.progressed': {},
  'step.retrying': { step: 'string', step_id: 'string', attempt: 'number', error: 'string' },
  'step.completed': { step: 'string', step_id: 'string' },
  'step.failed': { step: 'string', step_id: 'string', error: 'string' },
  'step.skipped': { step: 'string', step_id: 'string' },
  'step.cancelled': { step: 'string', step_id: 'string' },
  log: { message: 'string' },
  output: { name: 'string', media_type: 'string', size: 'number' },
  gap: { dropped: 'number' },
  'control.requested': { control: 'string', control_id: 'string' },
  'control.delivered': { control: 'string', control_id: 'string' },
  'control.effective': { control: 'string', control_id: 'string' },
  'approval.requested': { approval_id: 'string', message: 'string' },
  'approval.answered': { approval_id: 'string', approved: 'boolean' },
  'wait.started': { wait_id: 'string', wait: 'string' },
  'wait.ended': { wait_id: 'string', wait: 'string', outcome: 'string' },
  'signal.received': { signal_id: 'string', name: 'string' },
}

export const KINDS = Object.keys(REQUIRED) as Kind[]

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** True where the update is a numbered event of a known kind; its data was checked by `decodeUpdate`. */
export function isKnown(update: WorkflowExecutionUpdate): update is WorkflowExecutionUpdate & KnownEvent {
  return update.seq !== undefined && Object.hasOwn(REQUIRED, update.kind)
}

/** The last event of an execution, whoever sent it: nothing follows it. */
export function isTerminal(update: WorkflowExecutionUpdate): boolean {
  const status = update.data.status
  return (
    (update.type === 'complete' || update.type === 'error') && status !== undefined && status !== 'running'
  )
}

/**
 * Read one frame's JSON value.
 *
 * @throws InvalidFrame naming what is wrong; the stream itself can go on.
 */
export function decodeUpdate(value: unknown): WorkflowExecutionUpdate {
  if (!isRecord(value)) throw new InvalidFrame('a frame must be a JSON object')
  const { type, timestamp, data, seq } = value
  if (!WIRE_TYPES.has(type)) throw new InvalidFrame(`unknown type ${JSON.stringify(type)}`)
  if (typeof timestamp !== 'string') throw new InvalidFrame('timestamp is missing')
  if (!isRecord(data)) throw new InvalidFrame('data is not an object')
  if (seq !== undefined && !isSeq(seq)) throw new InvalidFrame(`seq ${JSON.stringify(seq)} is not from 1`)
  const kind = typeof value['kind'] === 'string' ? value['kind'] : type
  if (seq !== undefined && Object.hasOwn(REQUIRED, kind as Kind)) checkFields(kind as Kind, data)
  return { ...value, kind } as WorkflowExecutionUpdate
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1
}

function checkFields(kind: Kind, data: Record<string, unknown>): void {
  for (const [field, wanted] of Object.entries(REQUIRED[kind])) {
    const value = data[field]
    if (typeof value !== wanted || value === null) throw new InvalidFrame(`${kind}: ${field} is no ${wanted}`)
  }
}
