/** One question and nothing around it: for people who are asked, and do not develop workflows. */

import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import type { ExecutionDetail } from '../api/decode'
import type { Answer } from '../api/http'
import { ApprovalCard } from '../components/ApprovalCard'
import { answeredWith } from '../components/openApprovals'
import type { ApprovalState } from '../core/waiting'
import { Logo } from './Logo'
import { NotFoundPage } from './NotFoundPage'
import { PageProblem, StaleNotice } from './PageProblem'
import { SessionGate, useApi } from './session'
import { useLastingError } from './useLastingError'
import { useTitle } from './useTitle'

const REFRESH_MS = 3_000
const route = getRouteApi('/approve/$executionId/$approvalId')

export function ApprovePage() {
  return (
    <SessionGate>
      <main className="headway app-approve">
        <Logo />
        <Question />
      </main>
    </SessionGate>
  )
}

function Question() {
  const { executionId, approvalId } = route.useParams()
  const api = useApi()
  const [answered, setAnswered] = useState<ApprovalState | null>(null)
  const query = useQuery({
    queryKey: ['execution', executionId],
    queryFn: ({ signal }) => api.execution(executionId, signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  })
  const { data, error } = query
  const failed = useLastingError(query)
  const found = data?.state?.waiting.approvals.get(approvalId)
  const approval = found?.status === 'open' ? (answered ?? found) : found
  useTitle(approval?.message.split('\n')[0] ?? 'Question')
  if (failed && !data) return <PageProblem error={failed} what="This question" onRetry={query.refetch} />
  if (!data) return <p role="status">Loading…</p>
  if (!approval) return <NotFoundPage what="This execution has asked no such question." />
  const send = async (answer: Answer) => {
    await api.answer(executionId, approvalId, answer)
    setAnswered(answeredWith(approval, answer, new Date().toISOString()))
  }
  return (
    <>
      {error && <StaleNotice error={error} />}
      <h1 className="headway-visually-hidden">Question of {data.execution.workflow_id}</h1>
      <ApprovalCard approval={approval} workflowId={data.execution.workflow_id} onAnswer={send} />
      <Thanks approval={approval} detail={data} />
    </>
  )
}

function Thanks({ approval, detail }: { approval: ApprovalState; detail: ExecutionDetail }) {
  if (approval.status === 'open') return null
  const { workflow_id: workflow, closed, status } = detail.execution
  return (
    <p className="app-hint" role="status">
      {closed ? `${workflow} has ended: ${status}.` : `Thank you: ${workflow} goes on with this.`} You can
      close this page.
    </p>
  )
}
