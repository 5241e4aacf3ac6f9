/**
 * What an execution waits for, as part of its state: timers, signals and approvals.
 *
 * The same stands in `backend/src/headway/domain/waiting.py`, field for field.
 */

import { type DataByKind, isRecord } from './events'

/** Closed approvals beyond it leave the state, oldest first. */
export const MAX_APPROVALS = 1_000

/** An open wait for a time or a signal. */
export type WaitState = {
  wait_id: string
  wait: string
  name: string | null
  step_id: string | null
  since: string | null
  until: string | null
  message: string | null
}

/** A question to people, and what became of it; `status` is open, answered or withdrawn. */
export type ApprovalState = {
  approval_id: string
  message: string
  status: string
  step_id: string | null
  form: unknown
  requested_at: string | null
  deadline: string | null
  on_deadline: string | null
  approved: boolean | null
  by: string | null
  values: unknown
  /** In the words of who answered. */
  reason: string | null
  expired: boolean
  answered_at: string | null
  control_id: string | null
}

/** Everything an execution waits for; `signals` counts those of each name that were not taken yet. */
export type Waiting = {
  waits: Map<string, WaitState>
  approvals: Map<string, ApprovalState>
  signals: Map<string, number>
}

export function initialWaiting(): Waiting {
  return { waits: new Map(), approvals: new Map(), signals: new Map() }
}

export function copyWaiting({ waits, approvals, signals }: Waiting): Waiting {
  return {
    waits: new Map(waits),
    approvals: new Map([...approvals].map(([id, approval]) => [id, { ...approval }])),
    signals: new Map(signals),
  }
}

/** Whether the workflow waits for anything. */
export function isWaiting({ waits, approvals }: Waiting): boolean {
  return waits.size > 0 || [...approvals.values()].some(approval => approval.status === 'open')
}

export function startWait({ waits }: Waiting, data: DataByKind['wait.started'], at: string): void {
  waits.set(data.wait_id, {
    wait_id: data.wait_id,
    wait: data.wait,
    name: data.name ?? null,
    step_id: data.step_id ?? null,
    since: at,
    until: data.until ?? null,
    message: data.message ?? null,
  })
}

export function endWait({ waits, approvals, signals }: Waiting, data: DataByKind['wait.ended']): void {
  waits.delete(data.wait_id)
  const approval = approvals.get(data.wait_id)
  if (approval?.status === 'open') approval.status = 'withdrawn'
  if (data.signal_id === undefined || data.name === undefined) return
  const left = (signals.get(data.name) ?? 0) - 1
  if (left > 0) signals.set(data.name, left)
  else signals.delete(data.name)
}

export function receiveSignal({ signals }: Waiting, data: DataByKind['signal.received']): void {
  signals.set(data.name, (signals.get(data.name) ?? 0) + 1)
}

export function requestApproval(
  { approvals }: Waiting,
  data: DataByKind['approval.requested'],
  at: string,
): void {
  if (!approvals.has(data.approval_id)) makeRoom(approvals)
  approvals.set(data.approval_id, {
    ...newApproval(data.approval_id),
    message: data.message,
    step_id: data.step_id ?? null,
    form: data.form ?? null,
    requested_at: at,
    deadline: data.deadline ?? null,
    on_deadline: data.on_deadline ?? null,
  })
}

/** The first answer counts; a later one changes nothing. */
export function answerApproval(
  { approvals }: Waiting,
  data: DataByKind['approval.answered'],
  at: string,
): void {
  const approval = approvals.get(data.approval_id)
  if (approval?.status !== 'open') return
  approval.status = 'answered'
  approval.approved = data.approved
  approval.answered_at = at
  approval.by = data.by ?? null
  approval.values = data.values ?? null
  approval.reason = data.reason ?? null
  approval.expired = data.expired ?? false
  approval.control_id = data.control_id ?? null
}

/** The execution has ended: no question is left to answer, and no message will be taken. */
export function closeWaiting({ waits, approvals, signals }: Waiting): void {
  waits.clear()
  signals.clear()
  for (const approval of approvals.values()) if (approval.status === 'open') approval.status = 'withdrawn'
}

/** Read the JSON form, with absent fields at their defaults. */
export function waitingFromJson(value: unknown): Waiting {
  const waiting = initialWaiting()
  if (!isRecord(value)) return waiting
  const { waits, approvals, signals } = value
  const blank = { name: null, step_id: null, since: null, until: null, message: null }
  for (const [id, one] of records(waits))
    waiting.waits.set(id, { wait_id: id, wait: 'timer', ...blank, ...(one as Partial<WaitState>) })
  for (const [id, one] of records(approvals))
    waiting.approvals.set(id, { ...newApproval(id), ...(one as Partial<ApprovalState>) })
  if (isRecord(signals))
    for (const [name, count] of Object.entries(signals))
      if (typeof count === 'number') waiting.signals.set(name, count)
  return waiting
}

function newApproval(id: string): ApprovalState {
  const unknown = {
    step_id: null,
    form: null,
    requested_at: null,
    deadline: null,
    on_deadline: null,
    approved: null,
    by: null,
    values: null,
    reason: null,
    answered_at: null,
    control_id: null,
  }
  return { approval_id: id, message: '', status: 'open', expired: false, ...unknown }
}

function makeRoom(approvals: Map<string, ApprovalState>): void {
  if (approvals.size < MAX_APPROVALS) return
  for (const [id, approval] of approvals) {
    if (approval.status === 'open') continue
    approvals.delete(id)
    return
  }
}

function records(value: unknown): [string, Record<string, unknown>][] {
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([key, item]) => (isRecord(item) ? [[key, item]] : []))
}
