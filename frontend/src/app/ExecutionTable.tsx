import { Checkbox, Table } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { Execution } from '../api/decode'
import { StatusBadge } from '../components/StatusBadge'
import { Time } from '../components/Time'
import { formatDuration, parseTime } from '../core/format'
import { useNow } from '../hooks/useNow'
import type { Receipt } from './bulk'
import type { Bulk } from './useBulk'

export type ExecutionTableProps = {
  rows: readonly Execution[]
  bulk: Bulk
  /** The row the keys act on. */
  current: string | null
  onCurrent: (id: string) => void
}

export function ExecutionTable({ rows, bulk, current, onCurrent }: ExecutionTableProps) {
  return (
    <div className="app-table">
      <Table verticalSpacing="sm" highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th className="app-check">
              <span className="headway-visually-hidden">Select</span>
            </Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Workflow</Table.Th>
            <Table.Th className="app-wide">Progress</Table.Th>
            <Table.Th>Queued</Table.Th>
            <Table.Th className="app-wide">Duration</Table.Th>
            <Table.Th className="app-wide">By</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(row => (
            <Row
              key={row.execution_id}
              execution={row}
              receipt={bulk.receipts.get(row.execution_id)}
              isChosen={bulk.chosen.has(row.execution_id)}
              isCurrent={row.execution_id === current}
              onChoose={() => bulk.toggle(row.execution_id)}
              onCurrent={() => onCurrent(row.execution_id)}
            />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}

type RowProps = {
  execution: Execution
  receipt: Receipt | undefined
  isChosen: boolean
  isCurrent: boolean
  onChoose: () => void
  onCurrent: () => void
}

function Row({ execution, receipt, isChosen, isCurrent, onChoose, onCurrent }: RowProps) {
  const { execution_id: id, workflow_id: workflow, phase, error, by } = execution
  return (
    <Table.Tr
      id={`row-${id}`}
      data-current={isCurrent || undefined}
      data-chosen={isChosen || undefined}
      onMouseDown={onCurrent}
    >
      <Table.Td className="app-check">
        <Checkbox
          size="xs"
          aria-label={`Select ${workflow} ${id.slice(-8)}`}
          checked={isChosen}
          onChange={onChoose}
        />
      </Table.Td>
      <Table.Td>
        <StatusBadge phase={phase} />
      </Table.Td>
      <Table.Td className="app-row-name">
        <Link to="/executions/$executionId" params={{ executionId: id }} className="app-row-link">
          {workflow}
        </Link>{' '}
        <code className="app-id" title={id}>
          {id.slice(-8)}
        </code>
        {error && (
          <div className="app-row-error" title={error}>
            {error}
          </div>
        )}
        {receipt && (
          <div className="app-row-receipt" data-outcome={receipt.outcome}>
            {receipt.message}
          </div>
        )}
      </Table.Td>
      <Table.Td className="app-wide">
        <Progress execution={execution} />
      </Table.Td>
      <Table.Td>
        <Time at={parseTime(execution.created_at)} />
      </Table.Td>
      <Table.Td className="app-wide">
        <Duration execution={execution} />
      </Table.Td>
      <Table.Td className="app-wide app-by">{by ?? <span className="app-none">–</span>}</Table.Td>
    </Table.Tr>
  )
}

/** Ticks while it runs. */
function Duration({ execution: { started_at, ended_at, closed } }: { execution: Execution }) {
  const now = useNow(!closed && started_at !== null)
  const took = (closed ? parseTime(ended_at) : now) - parseTime(started_at)
  return Number.isFinite(took) ? formatDuration(took) : <span className="app-none">–</span>
}

/** A bar that runs while nobody knows how much there is, and stays empty where nobody ever knew. */
function Progress({ execution: { progress, phase, closed, indeterminate } }: { execution: Execution }) {
  const runs = indeterminate && !closed
  return (
    <span className="app-progress">
      <span
        className="headway-bar"
        data-phase={phase}
        data-indeterminate={runs || undefined}
        aria-hidden="true"
      >
        <span
          className="headway-bar__fill"
          style={runs ? undefined : { transform: `scaleX(${progress / 100})` }}
        />
      </span>
      <span className="app-percent">{indeterminate ? '' : `${Math.floor(progress)} %`}</span>
    </span>
  )
}
