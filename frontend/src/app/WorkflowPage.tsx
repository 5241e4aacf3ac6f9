/** One workflow: run it, with its input as a form or as JSON, and see how its last runs went. */

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, Navigate, useNavigate, useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { baseAddress } from '../api/address'
import type { Workflow } from '../api/decode'
import { newIdempotencyKey } from '../api/idempotency'
import { PlanGraph } from '../components/PlanGraph'
import { RunBars } from '../components/RunBars'
import { BrokenSources } from '../components/WorkflowList'
import { formatDuration } from '../core/format'
import { useNow } from '../hooks/useNow'
import { loadForms, RunForm } from './form/lazyForms'
import { PageHead } from './PageHead'
import { PageProblem, StaleNotice } from './PageProblem'
import { useApi } from './session'
import { useLastingError } from './useLastingError'
import { useTitle } from './useTitle'

/** A saved file is imported anew: its form and its errors appear within this time. */
const REFRESH_MS = 3_000

loadForms()

const route = getRouteApi('/workflows/$workflowId')

export function WorkflowPage() {
  const { workflowId } = route.useParams()
  const { execution } = route.useSearch()
  const api = useApi()
  const query = useQuery({
    queryKey: ['workflow', workflowId],
    queryFn: ({ signal }) => api.workflow(workflowId, signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  })
  const { data, error } = query
  const failed = useLastingError(query)
  const title = data?.title ?? workflowId
  useTitle(title)
  if (execution) return <Navigate to="/executions/$executionId" params={{ executionId: execution }} replace />
  if (failed && !data) {
    return <PageProblem error={failed} what={`Workflow ${workflowId}`} onRetry={query.refetch} />
  }
  return (
    <>
      <PageHead title={title} above={<Link to="/">Workflows</Link>}>
        <Link to="/executions" search={{ workflow: workflowId }}>
          All its executions
        </Link>
      </PageHead>
      {error && <StaleNotice error={error} />}
      {data && <OneWorkflow workflow={data} />}
    </>
  )
}

function OneWorkflow({ workflow }: { workflow: Workflow }) {
  const { workflow_id: id, import_error: broken } = workflow
  const api = useApi()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [started, setStarted] = useState<string | null>(null)
  const run = async (input: unknown, stay: boolean) => {
    const { execution_id: executionId } = await api.start(id, input, newIdempotencyKey())
    void client.invalidateQueries({ queryKey: ['statistics'] })
    if (stay) setStarted(executionId)
    else await navigate({ to: '/executions/$executionId', params: { executionId } })
  }
  return (
    <div className="headway app-stack">
      {broken !== null && (
        <BrokenSources sources={[{ path: workflow.source || id, import_error: broken, loaded_at: '' }]} />
      )}
      <LastRuns workflowId={id} />
      {started && (
        <p className="app-started" role="status">
          Started{' '}
          <Link to="/executions/$executionId" params={{ executionId: started }}>
            {started.slice(-8)}
          </Link>
          : it runs while you stay here.
        </p>
      )}
      <RunForm
        key={JSON.stringify(workflow.input_schema)}
        workflow={workflow}
        base={baseAddress().href}
        onRun={run}
        canStay
        plan={workflow.plan.length > 0 ? <PlanGraph steps={workflow.plan} /> : undefined}
      />
    </div>
  )
}

/** How it went before, above the form: what to expect of this run. */
function LastRuns({ workflowId }: { workflowId: string }) {
  const api = useApi()
  const router = useRouter()
  const navigate = useNavigate()
  const { data } = useQuery({
    queryKey: ['statistics'],
    queryFn: ({ signal }) => api.statistics(signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  })
  const found = data?.find(each => each.workflow_id === workflowId)
  const now = useNow(found?.runs.some(run => run.ended_at === null) ?? false)
  if (!found) return null
  const to = (executionId: string) => ({ to: '/executions/$executionId', params: { executionId } }) as const
  const usual = found.p50_s === null ? '' : `usually ${formatDuration(found.p50_s * 1_000)}`
  const success = found.ended === 0 ? '' : `${found.completed} of the last ${found.ended} completed`
  return (
    <section className="app-last-runs" aria-label="Last runs">
      <RunBars
        runs={found.runs}
        now={now}
        href={each => router.buildLocation(to(each)).href}
        onOpen={each => void navigate(to(each))}
      />
      <span>{[success, usual].filter(Boolean).join(', ')}</span>
    </section>
  )
}
