/** The pages about workflows: all of them, and one. */

import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate, useRouter } from '@tanstack/react-router'
import { WorkflowExecutionInterface } from '../components/WorkflowExecutionInterface'
import { PageHead } from './PageHead'
import { useApi } from './session'
import { useTitle } from './useTitle'

export function WorkflowsPage() {
  const navigate = useNavigate()
  const router = useRouter()
  useTitle('Workflows')
  return (
    <>
      <PageHead title="Workflows" />
      <WorkflowExecutionInterface
        workflowHref={id =>
          router.buildLocation({ to: '/workflows/$workflowId', params: { workflowId: id } }).href
        }
        onWorkflowSelect={id => id && navigate({ to: '/workflows/$workflowId', params: { workflowId: id } })}
      />
    </>
  )
}

const workflowRoute = getRouteApi('/workflows/$workflowId')

export function WorkflowPage() {
  const { workflowId } = workflowRoute.useParams()
  const { execution } = workflowRoute.useSearch()
  const navigate = useNavigate()
  const api = useApi()
  const { data } = useQuery({
    queryKey: ['workflow', workflowId],
    queryFn: ({ signal }) => api.workflow(workflowId, signal),
    retry: false,
  })
  const title = data?.title ?? workflowId
  useTitle(title)
  return (
    <>
      <PageHead title={title} above={<Link to="/">Workflows</Link>}>
        <Link to="/executions" search={{ workflow: workflowId }}>
          All its executions
        </Link>
      </PageHead>
      <WorkflowExecutionInterface
        workflowId={workflowId}
        executionId={execution}
        onExecutionStart={id => navigate({ to: '.', search: { execution: id } })}
      />
    </>
  )
}
