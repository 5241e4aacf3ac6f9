import { Button, Group, MultiSelect, Table, Text, TextInput } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import type { Execution } from '../api/decode'
import { StatusBadge } from '../components/StatusBadge'
import { formatAgo, formatDuration, formatExact, parseTime } from '../core/format'
import { useNow } from '../hooks/useNow'
import { PageHead } from './PageHead'
import { useApi } from './session'
import { useTitle } from './useTitle'

const REFRESH_MS = 2_000
const PAGE_SIZE = 25
const STATUSES = ['queued', 'running', 'waiting', 'cancelling', 'completed', 'failed', 'cancelled']

const route = getRouteApi('/executions')

/** Executions, newest first; the filters stand in the address. */
export function ExecutionsPage() {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/executions' })
  const api = useApi()
  useTitle('Executions')
  const { data, error } = useQuery({
    queryKey: ['executions', search],
    queryFn: ({ signal }) =>
      api.executions(
        { workflow_id: search.workflow, status: search.status, cursor: search.cursor, limit: PAGE_SIZE },
        signal,
      ),
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
    retry: false,
  })
  const filter = (change: { workflow?: string | undefined; status?: string[] | undefined }) =>
    navigate({ search: { ...search, ...change, cursor: undefined }, replace: true })
  const filtered = Boolean(search.workflow || search.status?.length)
  return (
    <>
      <PageHead title="Executions" />
      <Group align="end" gap="sm" mb="md">
        <TextInput
          label="Workflow"
          placeholder="any"
          value={search.workflow ?? ''}
          onChange={event => filter({ workflow: event.currentTarget.value || undefined })}
        />
        <MultiSelect
          className="app-filter"
          label="Status"
          placeholder={search.status?.length ? '' : 'any'}
          data={STATUSES}
          value={search.status ?? []}
          onChange={status => filter({ status: status.length > 0 ? status : undefined })}
          clearable
        />
        {filtered && (
          <Button variant="subtle" onClick={() => filter({ workflow: undefined, status: undefined })}>
            Clear filters
          </Button>
        )}
      </Group>
      {error && (
        <p className="headway-notice" data-tone="bad" role="alert">
          {error.message} What is shown may be out of date; trying again.
        </p>
      )}
      {data && <ExecutionTable executions={data.executions} filtered={filtered} />}
      {(search.cursor || data?.next_cursor) && (
        <Group justify="space-between" mt="md">
          <Button
            variant="default"
            disabled={!search.cursor}
            onClick={() => navigate({ search: { ...search, cursor: undefined } })}
          >
            Newest
          </Button>
          <Button
            variant="default"
            disabled={!data?.next_cursor}
            onClick={() => navigate({ search: { ...search, cursor: data?.next_cursor ?? undefined } })}
          >
            Older
          </Button>
        </Group>
      )}
    </>
  )
}

function ExecutionTable({ executions, filtered }: { executions: readonly Execution[]; filtered: boolean }) {
  const now = useNow(executions.length > 0)
  if (executions.length === 0) return <Empty filtered={filtered} />
  return (
    <div className="app-table">
      <Table verticalSpacing="sm" highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Status</Table.Th>
            <Table.Th>Workflow</Table.Th>
            <Table.Th className="app-wide">Progress</Table.Th>
            <Table.Th>Started</Table.Th>
            <Table.Th className="app-wide">Duration</Table.Th>
            <Table.Th className="app-wide">By</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {executions.map(execution => (
            <Row key={execution.execution_id} execution={execution} now={now} />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}

function Row({ execution, now }: { execution: Execution; now: number }) {
  const { execution_id: id, workflow_id: workflow, phase, error, by, closed } = execution
  const created = parseTime(execution.created_at)
  const started = parseTime(execution.started_at)
  const duration = (closed ? parseTime(execution.ended_at) : now) - started
  return (
    <Table.Tr>
      <Table.Td>
        <span className="headway">
          <StatusBadge phase={phase} />
        </span>
      </Table.Td>
      <Table.Td>
        <Link to="/executions/$executionId" params={{ executionId: id }} className="app-row-link">
          {workflow}
        </Link>
        <Text size="xs" c="dimmed" ff="monospace">
          {id.slice(-8)}
        </Text>
        {error && (
          <Text size="xs" className="app-row-error" title={error}>
            {error}
          </Text>
        )}
      </Table.Td>
      <Table.Td className="app-wide">
        <Progress execution={execution} />
      </Table.Td>
      <Table.Td title={formatExact(created)}>{formatAgo(now - created)}</Table.Td>
      <Table.Td className="app-wide">{Number.isFinite(duration) ? formatDuration(duration) : ''}</Table.Td>
      <Table.Td className="app-wide">{by}</Table.Td>
    </Table.Tr>
  )
}

function Progress({ execution: { progress, phase, closed, indeterminate } }: { execution: Execution }) {
  const unknown = indeterminate && !closed
  return (
    <span className="app-progress">
      <span className="headway-bar" data-phase={phase} aria-hidden="true">
        <span
          className="headway-bar__fill"
          style={{ display: 'block', transform: `scaleX(${progress / 100})` }}
        />
      </span>
      <Text size="sm" span>
        {unknown ? '' : `${Math.floor(progress)} %`}
      </Text>
    </span>
  )
}

function Empty({ filtered }: { filtered: boolean }) {
  return (
    <div className="app-empty">
      <Text fw={600}>{filtered ? 'No execution matches the filters.' : 'Nothing has run yet.'}</Text>
      {!filtered && (
        <>
          <Text c="dimmed">Run a workflow here, or from a terminal:</Text>
          <pre className="headway-code">headway run flows.py:crawl --input pages=20</pre>
          <Button component={Link} to="/">
            Choose a workflow
          </Button>
        </>
      )}
    </div>
  )
}
