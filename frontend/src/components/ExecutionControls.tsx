/** What people are asked, and what became of what they asked: stands between the Monitor's head and its body. */

import type { HttpApi } from '../api/http'
import { formatCounted } from '../core/format'
import type { ControlsSlice, Summary } from '../core/store'
import type { ApprovalState } from '../core/waiting'
import { ApprovalCard } from './ApprovalCard'
import { ReceiptList } from './ReceiptList'

/** So many closed questions stand open to read; those before them are folded. */
const SHOWN_CLOSED = 2

export type ExecutionControlsProps = { api: HttpApi; summary: Summary; controls: ControlsSlice }

export function ExecutionControls({ api, summary, controls }: ExecutionControlsProps) {
  const { execution_id: id, workflow_id: workflowId, closed } = summary
  const { shown, earlier } = split(controls.approvals)
  const card = (approval: ApprovalState) => (
    <ApprovalCard
      key={approval.approval_id}
      approval={approval}
      workflowId={workflowId}
      onAnswer={answer => api.answer(id, approval.approval_id, answer)}
    />
  )
  return (
    <>
      {earlier.length > 0 && (
        <details className="headway-panel">
          <summary>{formatCounted(earlier.length, 'earlier question')}</summary>
          <div className="headway-approval__earlier">{earlier.map(card)}</div>
        </details>
      )}
      {shown.map(card)}
      <ReceiptList receipts={controls.receipts} closed={closed} />
    </>
  )
}

/** Open ones and the last that were closed, in the order in which they were asked: no card moves when it is answered. */
function split(approvals: readonly ApprovalState[]): { shown: ApprovalState[]; earlier: ApprovalState[] } {
  const closed = approvals.filter(({ status }) => status !== 'open')
  const earlier = closed.slice(0, Math.max(0, closed.length - SHOWN_CLOSED))
  const folded = new Set(earlier)
  return { shown: approvals.filter(approval => !folded.has(approval)), earlier }
}
