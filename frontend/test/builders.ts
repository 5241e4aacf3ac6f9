/** Events of one execution, numbered as they are made. */

import type { ExecutionResult, Status } from '../src/core/events'
import type { Frame } from './feedServer'

export const EXECUTION = '01JX4Q8ZK3M5N7P9R1T3V5W7Y9'
export const OTHER_EXECUTION = '01JX4Q8ZK3M5N7P9R1T3V5W7YA'

const WIRE: Record<string, string> = {
  log: 'log',
  output: 'log',
  gap: 'log',
  'step.retrying': 'log',
  'step.failed': 'log',
  'step.progressed': 'progress',
  'step.completed': 'progress',
  'execution.completed': 'complete',
  'execution.cancelled': 'complete',
  'execution.failed': 'error',
}
const STATUSES: Record<string, Status> = {
  'execution.completed': 'completed',
  'execution.cancelled': 'cancelled',
  'execution.failed': 'failed',
}

/** Makes the events of an execution with its seqs 1, 2, 3 … */
export class Execution {
  #seq = 0
  #logs = 0

  constructor(
    readonly id = EXECUTION,
    readonly workflow = 'nightly_import',
  ) {}

  event(kind: string, data: Record<string, unknown> = {}): Frame {
    this.#seq += 1
    if (WIRE[kind] === 'log') this.#logs += 1
    const timestamp = new Date(Date.UTC(2026, 10, 22, 21, 30, this.#seq)).toISOString()
    const type = WIRE[kind] ?? 'status'
    return { execution_id: this.id, workflow_id: this.workflow, seq: this.#seq, kind, type, timestamp, data }
  }

  queued(input: unknown = {}): Frame {
    return this.event('execution.queued', { status: 'running', phase: 'queued', input })
  }

  started(...steps: string[]): Frame {
    const plan = steps.map(name => ({ name, after: [], weight: 1 }))
    return this.event('execution.started', {
      status: 'running',
      phase: 'running',
      attempt: 1,
      worker: 'w1',
      progress: 0,
      plan,
    })
  }

  log(message: string, level = 'INFO'): Frame {
    return this.event('log', { level, message })
  }

  step(name: string, data: Record<string, unknown> = {}): Frame {
    return this.event('step.started', { step: name, step_id: `${name}#1`, ...data })
  }

  progressed(name: string, done: number, total: number, progress: number): Frame {
    return this.event('step.progressed', { step: name, step_id: `${name}#1`, done, total, progress })
  }

  stepCompleted(name: string, progress: number): Frame {
    return this.event('step.completed', { step: name, step_id: `${name}#1`, progress })
  }

  asked(message: string, data: Record<string, unknown> = {}): Frame {
    return this.event('approval.requested', { phase: 'waiting', approval_id: 'release#1', message, ...data })
  }

  answered(approved: boolean, data: Record<string, unknown> = {}): Frame {
    return this.event('approval.answered', { approval_id: 'release#1', approved, phase: 'running', ...data })
  }

  control(stage: 'requested' | 'delivered' | 'effective', data: Record<string, unknown> = {}): Frame {
    return this.event(`control.${stage}`, { control: 'cancel', control_id: 'c1', ...data })
  }

  completed(output: unknown = null): Frame {
    return this.#end('execution.completed', { progress: 100 }, output, null)
  }

  failed(error: string, data: Record<string, unknown> = {}): Frame {
    return this.#end('execution.failed', { error, ...data }, null, error)
  }

  cancelled(): Frame {
    return this.#end('execution.cancelled', { message: 'cancelled' }, null, null)
  }

  #end(kind: string, data: Record<string, unknown>, output: unknown, error: string | null): Frame {
    const status = STATUSES[kind] ?? 'completed'
    const totals = { events: this.#seq + 1, logs: this.#logs, errors: 0, dropped: 0 }
    const result: ExecutionResult = { execution_id: this.id, status, output, error, totals }
    return this.event(kind, { status, phase: status, ...data, totals, result })
  }
}
