/** All workflows, and those that a text is in. */

import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useRef } from 'react'
import type { Workflow } from '../api/decode'
import { BrokenSources, NoWorkflows } from '../components/WorkflowList'
import type { KeysOf, WORKFLOW_KEYS } from './keySheets'
import { PageHead } from './PageHead'
import { PageProblem, StaleNotice } from './PageProblem'
import { useApi } from './session'
import { TextFilter } from './TextFilter'
import { useKeys } from './useKeys'
import { useLastingError } from './useLastingError'
import { useTitle } from './useTitle'
import { WorkflowTable, type WorkflowTableProps } from './WorkflowTable'

const route = getRouteApi('/')
const REFRESH_MS = 3_000

export function WorkflowsPage() {
  const api = useApi()
  const navigate = useNavigate()
  const { q = '' } = route.useSearch()
  const field = useRef<HTMLInputElement>(null)
  const filter = (text: string) =>
    navigate({ to: '/', search: text === '' ? {} : { q: text }, replace: true, resetScroll: false })
  const toFilter = () => field.current?.focus()
  useKeys<KeysOf<typeof WORKFLOW_KEYS>>({ f: toFilter, '/': toFilter })
  useTitle('Workflows')
  const workflows = useQuery({
    queryKey: ['workflows'],
    queryFn: ({ signal }) => api.workflows(signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  })
  const statistics = useQuery({
    queryKey: ['statistics'],
    queryFn: ({ signal }) => api.statistics(signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  })
  const { data, error } = workflows
  const failed = useLastingError(workflows)
  return (
    <>
      <PageHead title="Workflows">
        <TextFilter
          aria-label="Filter workflows"
          placeholder="Filter by name"
          value={q}
          onChange={filter}
          field={field}
        />
      </PageHead>
      {failed && !data && <PageProblem error={failed} what="All workflows" onRetry={workflows.refetch} />}
      {error && data && <StaleNotice error={error} />}
      {data && (
        <div className="headway app-stack">
          <BrokenSources sources={data.sources} />
          {data.workflows.length === 0 ? (
            <NoWorkflows />
          ) : (
            <Found
              workflows={data.workflows.filter(each => hasWords(each, q))}
              statistics={statistics.data ?? []}
              onClear={() => filter('')}
            />
          )}
        </div>
      )}
    </>
  )
}

type FoundProps = WorkflowTableProps & { onClear: () => void }

function Found({ workflows, statistics, onClear }: FoundProps) {
  if (workflows.length > 0) return <WorkflowTable workflows={workflows} statistics={statistics} />
  return (
    <div className="app-empty">
      <h2>No workflow is called so</h2>
      <Button variant="light" onClick={onClear}>
        Show all workflows
      </Button>
    </div>
  )
}

/** Each word stands in its title, id or description. */
function hasWords({ title, workflow_id: id, description }: Workflow, text: string): boolean {
  const searched = `${title}\n${id}\n${description}`.toLowerCase()
  return text
    .toLowerCase()
    .split(/\s+/)
    .every(word => searched.includes(word))
}
