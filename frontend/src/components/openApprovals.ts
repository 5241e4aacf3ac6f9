/** An open question of the list over all executions, as its card shows it. */

import type { OpenApproval } from '../api/decodeOverview'
import type { Answer } from '../api/http'
import type { ApprovalState } from '../core/waiting'

export function stateOf(approval: OpenApproval): ApprovalState {
  const { approval_id, message, step_id, form, requested_at, deadline, on_deadline } = approval
  return {
    ...{ approval_id, message, step_id, form, requested_at, deadline, on_deadline },
    status: 'open',
    approved: null,
    by: null,
    values: null,
    reason: null,
    expired: false,
    answered_at: null,
    control_id: null,
  }
}

/** As it stands once the server has taken the answer. */
export function answeredWith(approval: ApprovalState, answer: Answer, at: string): ApprovalState {
  return {
    ...approval,
    status: 'answered',
    approved: answer.approved,
    by: answer.by || null,
    values: answer.values ?? null,
    reason: answer.reason || null,
    answered_at: at,
  }
}
