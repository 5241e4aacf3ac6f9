/** Answers of the HTTP API: `unknown` in, typed values out; fields not known here stay and hurt nobody. */

import { decodeUpdate, isRecord, type PlannedStep, type WorkflowExecutionUpdate } from '../core/events'
import { type State, stateFromJson } from '../core/fold'

export type JsonSchema = { readonly [key: string]: unknown }

export type Execution = {
  execution_id: string
  workflow_id: string
  status: string
  phase: string
  progress: number
  indeterminate: boolean
  attempt: number
  created_at: string
  started_at: string | null
  ended_at: string | null
  message: string | null
  error: string | null
  error_code: string | null
  by: string | null
  retry_of: string | null
  input: unknown
  last_seq: number
  closed: boolean
}
export type Workflow = {
  workflow_id: string
  title: string
  description: string
  input_schema: JsonSchema
  plan: PlannedStep[]
  source: string
  code_hash: string
  import_error: string | null
  latest: Execution | null
}
export type Source = { path: string; import_error: string | null; loaded_at: string }
export type WorkflowList = { workflows: Workflow[]; sources: Source[] }
export type ExecutionPage = { executions: Execution[]; next_cursor: string | null }
export type ExecutionDetail = { execution: Execution; state: State | null; cursor: string }
export type EventPage = { events: WorkflowExecutionUpdate[]; last_seq: number }
export type Started = { execution_id: string; workflow_id: string; created: boolean }

/** The answer is not what the protocol says. */
export class InvalidAnswer extends Error {
  override readonly name = 'InvalidAnswer'
}

export function decodeWorkflowList(value: unknown): WorkflowList {
  const { workflows, sources } = record(value, 'workflows')
  return { workflows: list(workflows, decodeWorkflow), sources: list(sources ?? [], decodeSource) }
}

export function decodeWorkflow(value: unknown): Workflow {
  const workflow = record(value, 'a workflow')
  const id = text(workflow['workflow_id'], 'workflow_id')
  return {
    workflow_id: id,
    title: textOr(workflow['title'], id) || id,
    description: textOr(workflow['description'], ''),
    input_schema: isRecord(workflow['input_schema']) ? workflow['input_schema'] : {},
    plan: Array.isArray(workflow['plan']) ? (workflow['plan'] as PlannedStep[]) : [],
    source: textOr(workflow['source'], ''),
    code_hash: textOr(workflow['code_hash'], ''),
    import_error: textOr(workflow['import_error'], null),
    latest: workflow['latest'] ? decodeExecution(workflow['latest']) : null,
  }
}

export function decodeExecutionPage(value: unknown): ExecutionPage {
  const page = record(value, 'executions')
  return {
    executions: list(page['executions'], decodeExecution),
    next_cursor: textOr(page['next_cursor'], null),
  }
}

export function decodeExecutionDetail(value: unknown): ExecutionDetail {
  const { execution, state, cursor } = record(value, 'an execution')
  return { execution: decodeExecution(execution), state: stateFromJson(state), cursor: textOr(cursor, '') }
}

export function decodeEventPage(value: unknown): EventPage {
  const { events, last_seq } = record(value, 'events')
  return { events: list(events, decodeUpdate), last_seq: numberOr(last_seq, 0) }
}

export function decodeStarted(value: unknown): Started {
  const started = record(value, 'a start')
  return {
    execution_id: text(started['execution_id'], 'execution_id'),
    workflow_id: textOr(started['workflow_id'], ''),
    created: started['created'] !== false,
  }
}

function decodeExecution(value: unknown): Execution {
  const execution = record(value, 'an execution')
  return {
    execution_id: text(execution['execution_id'], 'execution_id'),
    workflow_id: text(execution['workflow_id'], 'workflow_id'),
    status: textOr(execution['status'], 'running'),
    phase: textOr(execution['phase'], textOr(execution['status'], 'running')),
    progress: numberOr(execution['progress'], 0),
    indeterminate: execution['indeterminate'] === true,
    attempt: numberOr(execution['attempt'], 0),
    created_at: textOr(execution['created_at'], ''),
    started_at: textOr(execution['started_at'], null),
    ended_at: textOr(execution['ended_at'], null),
    message: textOr(execution['message'], null),
    error: textOr(execution['error'], null),
    error_code: textOr(execution['error_code'], null),
    by: textOr(execution['by'], null),
    retry_of: textOr(execution['retry_of'], null),
    input: execution['input'] ?? null,
    last_seq: numberOr(execution['last_seq'], 0),
    closed: execution['closed'] === true,
  }
}

function decodeSource(value: unknown): Source {
  const source = record(value, 'a source')
  return {
    path: text(source['path'], 'path'),
    import_error: textOr(source['import_error'], null),
    loaded_at: textOr(source['loaded_at'], ''),
  }
}

export function record(value: unknown, what: string): Record<string, unknown> {
  if (!isRecord(value)) throw new InvalidAnswer(`the server did not answer with ${what}`)
  return value
}

export function list<T>(value: unknown, decode: (item: unknown) => T): T[] {
  if (!Array.isArray(value)) throw new InvalidAnswer('the server did not answer with a list')
  return value.map(decode)
}

export function text(value: unknown, field: string): string {
  if (typeof value !== 'string') throw new InvalidAnswer(`the server's answer lacks ${field}`)
  return value
}

export function textOr<Fallback extends string | null>(
  value: unknown,
  fallback: Fallback,
): string | Fallback {
  return typeof value === 'string' ? value : fallback
}

export function numberOr(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}
