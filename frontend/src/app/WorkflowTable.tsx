/** A row a workflow: how its last runs went, how many succeed and how long they take. */

import { Table } from '@mantine/core'
import { Link, useNavigate, useRouter } from '@tanstack/react-router'
import type { Execution, Workflow } from '../api/decode'
import type { WorkflowStatistics } from '../api/decodeOverview'
import { RunBars } from '../components/RunBars'
import { StatusBadge } from '../components/StatusBadge'
import { Time } from '../components/Time'
import { formatDuration, parseTime } from '../core/format'
import { useNow } from '../hooks/useNow'

export type WorkflowTableProps = { workflows: readonly Workflow[]; statistics: readonly WorkflowStatistics[] }

export function WorkflowTable({ workflows, statistics }: WorkflowTableProps) {
  const byId = new Map(statistics.map(each => [each.workflow_id, each]))
  const runs = workflows.some(each => each.latest && !each.latest.closed)
  const now = useNow(runs)
  return (
    <div className="app-table">
      <Table verticalSpacing="sm" highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th className="app-wide app-bars">Last 20 runs</Table.Th>
            <Table.Th className="app-number">Success</Table.Th>
            <Table.Th className="app-wide app-number">p50</Table.Th>
            <Table.Th className="app-wide app-number">p95</Table.Th>
            <Table.Th className="app-wide">Last run</Table.Th>
            <Table.Th>
              <span className="headway-visually-hidden">Run</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {workflows.map(workflow => (
            <Row
              key={workflow.workflow_id}
              workflow={workflow}
              statistics={byId.get(workflow.workflow_id)}
              now={now}
            />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}

type RowProps = { workflow: Workflow; statistics: WorkflowStatistics | undefined; now: number }

function Row({ workflow, statistics, now }: RowProps) {
  const router = useRouter()
  const navigate = useNavigate()
  const { workflow_id: id, title, description, latest } = workflow
  const to = (executionId: string) => ({ to: '/executions/$executionId', params: { executionId } }) as const
  return (
    <Table.Tr>
      <Table.Td className="app-row-name">
        <Link to="/workflows/$workflowId" params={{ workflowId: id }} className="app-row-link">
          {title}
        </Link>{' '}
        {!isSaid(title, id) && <code className="app-id">{id}</code>}
        {workflow.import_error && <StatusBadge phase="failed" />}
        <div className="app-row-text">{firstLine(description)}</div>
        {latest && (
          <div className="app-narrow">
            <LastRun latest={latest} />
          </div>
        )}
      </Table.Td>
      <Table.Td className="app-wide app-bars">
        {statistics ? (
          <RunBars
            runs={statistics.runs}
            now={now}
            href={each => router.buildLocation(to(each)).href}
            onOpen={each => void navigate(to(each))}
          />
        ) : (
          <span className="app-none">never run</span>
        )}
      </Table.Td>
      <Table.Td className="app-number">
        <Success workflowId={id} statistics={statistics} />
      </Table.Td>
      <Table.Td className="app-wide app-number">{durationOf(statistics?.p50_s)}</Table.Td>
      <Table.Td className="app-wide app-number">{durationOf(statistics?.p95_s)}</Table.Td>
      <Table.Td className="app-wide">{latest && <LastRun latest={latest} />}</Table.Td>
      <Table.Td className="app-number">
        <Link
          to="/workflows/$workflowId"
          params={{ workflowId: id }}
          className="headway-button"
          aria-label={`Run ${title}`}
        >
          Run
        </Link>
      </Table.Td>
    </Table.Tr>
  )
}

function LastRun({ latest }: { latest: Execution }) {
  return (
    <span className="app-last">
      <Link
        to="/executions/$executionId"
        params={{ executionId: latest.execution_id }}
        aria-label={`Last run, ${latest.phase}`}
      >
        <StatusBadge phase={latest.phase} />
      </Link>{' '}
      <Time at={parseTime(latest.ended_at ?? latest.created_at)} />
    </span>
  )
}

type SuccessProps = { workflowId: string; statistics: WorkflowStatistics | undefined }

/** Leads to those that failed, where some did. */
function Success({ workflowId, statistics }: SuccessProps) {
  if (!statistics || statistics.ended === 0) return <span className="app-none">–</span>
  const { completed, ended } = statistics
  const percent = Math.floor((100 * completed) / ended)
  const shown = { className: 'app-success', title: `${completed} of the last ${ended} completed` }
  if (completed === ended) return <span {...shown}>{percent} %</span>
  return (
    <Link
      to="/executions"
      search={{ workflow: workflowId, status: ['failed'] }}
      data-low={percent < 90 || undefined}
      aria-label={`${percent} % succeed: show what failed`}
      {...shown}
    >
      {percent} %
    </Link>
  )
}

function durationOf(seconds: number | null | undefined) {
  return typeof seconds === 'number' ? formatDuration(seconds * 1_000) : <span className="app-none">–</span>
}

/** The title says the id already, in other letters. */
function isSaid(title: string, id: string): boolean {
  return title.toLowerCase().replace(/\W+/g, '_') === id.toLowerCase()
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
