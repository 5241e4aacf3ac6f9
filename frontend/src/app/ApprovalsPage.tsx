/** What people are asked, over all executions: the most urgent first, answered where it stands. */

import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import type { OpenApproval } from '../api/decodeOverview'
import type { Answer } from '../api/http'
import { ApprovalCard } from '../components/ApprovalCard'
import { answeredWith, stateOf } from '../components/openApprovals'
import type { ApprovalState } from '../core/waiting'
import { PageHead } from './PageHead'
import { PageProblem, StaleNotice } from './PageProblem'
import { useApi } from './session'
import { useLastingError } from './useLastingError'
import { APPROVALS, useOpenApprovals } from './useOpenApprovals'
import { useTitle } from './useTitle'

export function ApprovalsPage() {
  const approvals = useOpenApprovals()
  const { data, error } = approvals
  const failed = useLastingError(approvals)
  const [answered, setAnswered] = useState<ReadonlyMap<string, ApprovalState>>(new Map())
  const shown = usePlaces(data?.approvals, answered)
  useTitle(data && data.total > 0 ? `(${data.total}) Approvals` : 'Approvals')
  return (
    <>
      <PageHead title="Approvals" />
      {failed && !data && <PageProblem error={failed} what="Open questions" onRetry={approvals.refetch} />}
      {error && data && <StaleNotice error={error} />}
      {data && shown.length === 0 && <NothingAsked />}
      <div className="headway app-stack app-approvals">
        {shown.map(approval => (
          <Question
            key={keyOf(approval)}
            approval={approval}
            state={answered.get(keyOf(approval)) ?? stateOf(approval)}
            onAnswered={state => setAnswered(before => new Map(before).set(keyOf(approval), state))}
          />
        ))}
      </div>
      {data && data.total > data.approvals.length && (
        <p className="app-hint">{data.total - data.approvals.length} more wait behind these.</p>
      )}
    </>
  )
}

/** Each question keeps its place once it is shown, answered or not: no button comes under a pointer that meant another. */
function usePlaces(
  open: readonly OpenApproval[] | undefined,
  answered: ReadonlyMap<string, ApprovalState>,
): readonly OpenApproval[] {
  const [places, setPlaces] = useState<readonly OpenApproval[]>([])
  useEffect(() => {
    if (!open) return
    const byKey = new Map(open.map(each => [keyOf(each), each]))
    setPlaces(before => {
      const stay = before.filter(each => byKey.has(keyOf(each)) || answered.has(keyOf(each)))
      const known = new Set(stay.map(keyOf))
      return [
        ...stay.map(each => byKey.get(keyOf(each)) ?? each),
        ...open.filter(each => !known.has(keyOf(each))),
      ]
    })
  }, [open, answered])
  return places
}

type QuestionProps = {
  approval: OpenApproval
  state: ApprovalState
  onAnswered: (state: ApprovalState) => void
}

function Question({ approval, state, onAnswered }: QuestionProps) {
  const {
    execution_id: executionId,
    workflow_id: workflowId,
    approval_id: approvalId,
    started_by: by,
  } = approval
  const api = useApi()
  const client = useQueryClient()
  const send = async (answer: Answer) => {
    try {
      await api.answer(executionId, approvalId, answer)
      onAnswered(answeredWith(state, answer, new Date().toISOString()))
    } finally {
      void client.invalidateQueries({ queryKey: APPROVALS })
    }
  }
  return (
    <article className="app-question">
      <p className="app-question__of">
        <Link to="/executions/$executionId" params={{ executionId }}>
          {workflowId} <code className="app-id">{executionId.slice(-8)}</code>
        </Link>
        {by && <span>started by {by}</span>}
        <Link
          to="/approve/$executionId/$approvalId"
          params={{ executionId, approvalId }}
          className="app-question__page"
        >
          page to send to somebody
        </Link>
      </p>
      <ApprovalCard approval={state} workflowId={workflowId} onAnswer={send} />
    </article>
  )
}

function NothingAsked() {
  return (
    <div className="app-empty">
      <h2>Nobody waits for an answer</h2>
      <p>A workflow asks with one line, and goes on with what you say:</p>
      <pre className="headway-code">{'answer = await approval("Publish build 7?")'}</pre>
    </div>
  )
}

function keyOf({ execution_id: executionId, approval_id: approvalId }: OpenApproval): string {
  return `${executionId} ${approvalId}`
}
