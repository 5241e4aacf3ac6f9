/** What people are asked, over all executions: the most urgent first, answered where it stands. */

import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { OpenApproval } from '../api/decodeOverview'
import type { Answer } from '../api/http'
import { ApprovalCard } from '../components/ApprovalCard'
import { answeredWith, stateOf } from '../components/openApprovals'
import type { ApprovalState } from '../core/waiting'
import { PageHead } from './PageHead'
import { PageProblem } from './PageProblem'
import { useApi } from './session'
import { APPROVALS, useOpenApprovals } from './useOpenApprovals'
import { useTitle } from './useTitle'

type Answered = { readonly approval: OpenApproval; readonly state: ApprovalState }

export function ApprovalsPage() {
  const { data, error, refetch } = useOpenApprovals()
  const [answered, setAnswered] = useState<ReadonlyMap<string, Answered>>(new Map())
  useTitle(data && data.total > 0 ? `(${data.total}) Approvals` : 'Approvals')
  const open = (data?.approvals ?? []).filter(each => !answered.has(keyOf(each)))
  return (
    <>
      <PageHead title="Approvals" />
      {error && !data && <PageProblem error={error} onRetry={() => void refetch()} />}
      {error && data && (
        <p className="headway-notice" role="alert">
          {error.message} What is shown may be out of date; trying again.
        </p>
      )}
      {data && open.length === 0 && answered.size === 0 && <NothingAsked />}
      <div className="headway app-stack app-approvals">
        {[...answered.values()].map(({ approval, state }) => (
          <Question key={keyOf(approval)} approval={approval} state={state} onAnswered={() => {}} />
        ))}
        {open.map(approval => (
          <Question
            key={keyOf(approval)}
            approval={approval}
            state={stateOf(approval)}
            onAnswered={state =>
              setAnswered(before => new Map(before).set(keyOf(approval), { approval, state }))
            }
          />
        ))}
      </div>
      {data && data.total > data.approvals.length && (
        <p className="app-hint">{data.total - data.approvals.length} more wait behind these.</p>
      )}
    </>
  )
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
