/** One execution, live: what happens in it and what can be done to it. */

import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { Problem } from '../api/http'
import { ControlledExecution } from '../components/ControlledExecution'
import { formatAgo, formatExact, parseTime } from '../core/format'
import type { Summary } from '../core/store'
import { useNow } from '../hooks/useNow'
import { NotFoundPage } from './NotFoundPage'
import { PageHead } from './PageHead'
import { useApi } from './session'
import { useTitle } from './useTitle'

const executionRoute = getRouteApi('/executions/$executionId')

export function ExecutionPage() {
  const { executionId } = executionRoute.useParams()
  const api = useApi()
  const { data, error } = useQuery({
    queryKey: ['execution', executionId],
    queryFn: ({ signal }) => api.execution(executionId, signal),
    retry: (count, problem) => !(problem instanceof Problem && problem.status === 404) && count < 20,
    retryDelay: count => Math.min(5_000, 500 * 2 ** count),
  })
  if (error) return <NotFoundPage what={error.message} />
  if (!data) return <PageHead title="Loading…" above={<Link to="/executions">Executions</Link>} />
  return <OneExecution key={executionId} executionId={executionId} workflowId={data.execution.workflow_id} />
}

function OneExecution({ executionId, workflowId }: { executionId: string; workflowId: string }) {
  const api = useApi()
  const navigate = useNavigate()
  const { data } = useQuery({
    queryKey: ['workflow', workflowId],
    queryFn: ({ signal }) => api.workflow(workflowId, signal),
    retry: false,
  })
  const open = (id: string) => navigate({ to: '/executions/$executionId', params: { executionId: id } })
  return (
    <>
      <PageHead
        title={data?.title ?? workflowId}
        above={
          <>
            <Link to="/executions">Executions</Link> / <code>{executionId}</code>
          </>
        }
      >
        <Link to="/workflows/$workflowId" params={{ workflowId }}>
          Open the workflow
        </Link>
      </PageHead>
      <ControlledExecution
        className="app-monitor"
        api={api}
        workflowId={workflowId}
        executionId={executionId}
        inputSchema={data?.import_error === null ? data.input_schema : undefined}
        onStarted={open}
        renderOrigin={summary => (
          <>
            <StatusInTitle workflowId={workflowId} summary={summary} />
            <Origin summary={summary} />
          </>
        )}
      />
    </>
  )
}

const MARKS: Record<string, string> = { completed: '✓', failed: '✗', cancelled: '⊘' }

function StatusInTitle({ workflowId, summary }: { workflowId: string; summary: Summary }) {
  const { phase, progress, indeterminate } = summary
  const running = indeterminate ? phase : `${Math.floor(progress)} %`
  useTitle(MARKS[phase] ? `${MARKS[phase]} ${phase}` : running, workflowId)
  return null
}

/** Who started it, when, from what, with which input. */
function Origin({ summary }: { summary: Summary }) {
  const { queued_at: queued, by, retry_of: of, from_step: step, input } = summary
  const [shown, setShown] = useState(false)
  const now = useNow(true)
  const at = parseTime(queued)
  return (
    <div className="app-origin">
      <Text fz={13} c="dimmed" title={formatExact(at)}>
        started {Number.isFinite(at) ? formatAgo(now - at) : ''} {by && `by ${by}`}
        {of && (
          <>
            , again {step ? `from ${step} of` : 'after'}{' '}
            <Link
              to="/executions/$executionId"
              params={{ executionId: of }}
              aria-label={`the execution it does over, ${of}`}
            >
              {of.slice(-6)}
            </Link>
          </>
        )}{' '}
        <button type="button" className="headway-link" aria-expanded={shown} onClick={() => setShown(!shown)}>
          {shown ? 'hide input' : 'show input'}
        </button>
      </Text>
      {shown && <pre className="headway-code">{JSON.stringify(input, null, 2)}</pre>}
    </div>
  )
}
