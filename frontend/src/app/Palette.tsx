/** The command palette: pages, workflows, executions by id, and what can be done. A chunk of its own. */

import '@mantine/spotlight/styles.css'
import { useMantineColorScheme } from '@mantine/core'
import {
  Spotlight,
  type SpotlightActionData,
  type SpotlightActionGroupData,
  spotlight,
} from '@mantine/spotlight'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import type { Execution } from '../api/decode'
import { nextTimeFormat } from '../core/preferences'
import { preferences, setPreference } from '../hooks/usePreferences'
import { PAGES } from './pages'
import { useApi } from './session'

/** An execution is looked for by so many characters of its id. */
const MIN_ID_CHARS = 4

export type PaletteProps = { onKeys: () => void }

export function Palette({ onKeys }: PaletteProps) {
  const [query, setQuery] = useState('')
  const executions = useExecutionActions(query.trim())
  const actions: SpotlightActionGroupData[] = [
    { group: 'Pages', actions: usePageActions() },
    { group: 'Workflows', actions: useWorkflowActions() },
    { group: 'Executions', actions: executions.actions },
    { group: 'Actions', actions: useOtherActions(onKeys) },
  ]
  useEffect(() => spotlight.open(), [])
  return (
    <Spotlight
      actions={actions}
      query={query}
      onQueryChange={setQuery}
      shortcut={null}
      lockScroll={false}
      highlightQuery
      scrollable
      attributes={{ content: { 'aria-label': 'Palette' } }}
      nothingFound={
        executions.isFailed
          ? 'Executions could not be searched: the server does not answer.'
          : 'Nothing is called so.'
      }
      searchProps={{
        placeholder: 'Go to a page, a workflow, an execution by its id …',
        'aria-label': 'Search',
      }}
    />
  )
}

function usePageActions(): SpotlightActionData[] {
  const navigate = useNavigate()
  return PAGES.map(({ to, label }) => ({ id: to, label, onClick: () => void navigate({ to }) }))
}

function useWorkflowActions(): SpotlightActionData[] {
  const api = useApi()
  const navigate = useNavigate()
  const { data } = useQuery({
    queryKey: ['workflows'],
    queryFn: ({ signal }) => api.workflows(signal),
    staleTime: 10_000,
  })
  return (data?.workflows ?? []).map(({ workflow_id: workflowId, title }) => ({
    id: `workflow ${workflowId}`,
    label: `Run ${title}`,
    description: workflowId,
    onClick: () => void navigate({ to: '/workflows/$workflowId', params: { workflowId } }),
  }))
}

/** The newest, or those whose id or error has the text in it. */
function useExecutionActions(text: string): { actions: SpotlightActionData[]; isFailed: boolean } {
  const api = useApi()
  const navigate = useNavigate()
  const q = text.length >= MIN_ID_CHARS ? text : undefined
  const { data, isError } = useQuery({
    queryKey: ['executions', 'palette', q ?? ''],
    queryFn: ({ signal }) => api.executions({ q, limit: 5 }, signal),
    placeholderData: before => before,
    retry: false,
  })
  const actions = (data?.executions ?? []).map((execution: Execution) => ({
    id: `execution ${execution.execution_id}`,
    label: `${execution.workflow_id} ${execution.execution_id.slice(-8)}`,
    description: `${execution.phase}${execution.error ? `: ${execution.error}` : ''}`,
    keywords: [execution.execution_id, execution.error ?? ''],
    onClick: () =>
      void navigate({ to: '/executions/$executionId', params: { executionId: execution.execution_id } }),
  }))
  return { actions, isFailed: isError }
}

function useOtherActions(onKeys: () => void): SpotlightActionData[] {
  const navigate = useNavigate()
  const { setColorScheme } = useMantineColorScheme()
  return [
    {
      id: 'failed',
      label: 'Show what has failed in the last 24 hours',
      onClick: () => void navigate({ to: '/executions', search: { status: ['failed'], since: '24h' } }),
    },
    {
      id: 'running',
      label: 'Show what runs now',
      onClick: () => void navigate({ to: '/executions', search: { status: ['running', 'waiting'] } }),
    },
    { id: 'light', label: 'Theme: light', onClick: () => setColorScheme('light') },
    { id: 'dark', label: 'Theme: dark', onClick: () => setColorScheme('dark') },
    { id: 'auto', label: 'Theme: as the system', onClick: () => setColorScheme('auto') },
    {
      id: 'times',
      label: 'Times: relative, local, UTC',
      onClick: () => setPreference({ timeFormat: nextTimeFormat(preferences().timeFormat) }),
    },
    { id: 'keys', label: 'Keys', onClick: onKeys },
  ]
}
