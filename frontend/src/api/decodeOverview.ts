/** Answers of the HTTP API that look over all executions, and of the server about itself. */

import { isRecord } from '../core/events'
import { list, numberOr, record, text, textOr } from './decode'

/** An execution as a bar in its workflow's row. */
export type Run = {
  execution_id: string
  phase: string
  started_at: string | null
  ended_at: string | null
  error: string | null
}
/** Over the last 100 executions of a workflow; `runs` are the newest, newest first. */
export type WorkflowStatistics = {
  workflow_id: string
  runs: Run[]
  ended: number
  completed: number
  p50_s: number | null
  p95_s: number | null
}
/** An open question to people. */
export type OpenApproval = {
  execution_id: string
  workflow_id: string
  approval_id: string
  message: string
  step_id: string | null
  form: unknown
  requested_at: string | null
  deadline: string | null
  on_deadline: string | null
  started_by: string | null
}
export type OpenApprovals = { approvals: OpenApproval[]; total: number }
export type ServerInfo = {
  version: string
  authenticated: boolean
  workers: number
  capabilities: Record<string, boolean>
  limits: Record<string, number>
}

export function decodeStatistics(value: unknown): WorkflowStatistics[] {
  return list(record(value, 'statistics')['workflows'], decodeWorkflowStatistics)
}

function decodeWorkflowStatistics(value: unknown): WorkflowStatistics {
  const found = record(value, 'statistics')
  return {
    workflow_id: text(found['workflow_id'], 'workflow_id'),
    runs: list(found['runs'], decodeRun),
    ended: numberOr(found['ended'], 0),
    completed: numberOr(found['completed'], 0),
    p50_s: typeof found['p50_s'] === 'number' ? found['p50_s'] : null,
    p95_s: typeof found['p95_s'] === 'number' ? found['p95_s'] : null,
  }
}

function decodeRun(value: unknown): Run {
  const run = record(value, 'a run')
  return {
    execution_id: text(run['execution_id'], 'execution_id'),
    phase: textOr(run['phase'], 'queued'),
    started_at: textOr(run['started_at'], null),
    ended_at: textOr(run['ended_at'], null),
    error: textOr(run['error'], null),
  }
}

export function decodeApprovals(value: unknown): OpenApprovals {
  const { approvals, total } = record(value, 'approvals')
  const decoded = list(approvals, decodeApproval)
  return { approvals: decoded, total: numberOr(total, decoded.length) }
}

function decodeApproval(value: unknown): OpenApproval {
  const approval = record(value, 'a question')
  return {
    execution_id: text(approval['execution_id'], 'execution_id'),
    workflow_id: text(approval['workflow_id'], 'workflow_id'),
    approval_id: text(approval['approval_id'], 'approval_id'),
    message: textOr(approval['message'], ''),
    step_id: textOr(approval['step_id'], null),
    form: approval['form'] ?? null,
    requested_at: textOr(approval['requested_at'], null),
    deadline: textOr(approval['deadline'], null),
    on_deadline: textOr(approval['on_deadline'], null),
    started_by: textOr(approval['started_by'], null),
  }
}

export function decodeServer(value: unknown): ServerInfo {
  const server = record(value, 'what it is')
  return {
    version: textOr(server['version'], ''),
    authenticated: server['authenticated'] !== false,
    workers: numberOr(server['workers'], 0),
    capabilities: only(server['capabilities'], (each): each is boolean => typeof each === 'boolean'),
    limits: only(server['limits'], (each): each is number => typeof each === 'number'),
  }
}

function only<T>(value: unknown, fits: (each: unknown) => each is T): Record<string, T> {
  const entries = Object.entries(isRecord(value) ? value : {})
  return Object.fromEntries(entries.filter((entry): entry is [string, T] => fits(entry[1])))
}
