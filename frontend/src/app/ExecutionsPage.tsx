/** Executions, newest first: filters in the address, rows that change in place, and what is done to many at once. */

import { Button, Checkbox } from '@mantine/core'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import type { Execution } from '../api/decode'
import { ExecutionFilters } from './ExecutionFilters'
import { ExecutionTable } from './ExecutionTable'
import type { KeysOf, LIST_KEYS } from './keySheets'
import { isNarrowed, type ListSearch } from './listSearch'
import { PageHead } from './PageHead'
import { PageProblem, StaleNotice } from './PageProblem'
import { type Bulk, useBulk } from './useBulk'
import { useExecutionRows } from './useExecutionRows'
import { useKeys } from './useKeys'
import { useTitle } from './useTitle'

const route = getRouteApi('/executions')

export function ExecutionsPage() {
  const search = route.useSearch()
  const navigate = useNavigate()
  const text = useRef<HTMLInputElement>(null)
  useTitle('Executions')
  const filter = (change: Partial<ListSearch>) =>
    navigate({ to: '/executions', search: { ...search, cursor: undefined, ...change }, replace: true })
  const clear = () => navigate({ to: '/executions', search: {}, replace: true })
  return (
    <>
      <PageHead title="Executions" />
      <ExecutionFilters search={search} onChange={filter} onClear={clear} text={text} />
      {search.id && <BulkBanner ids={search.id} bulk={search.bulk} onClear={clear} />}
      <ExecutionList
        key={JSON.stringify(search)}
        search={search}
        onFilter={() => text.current?.focus()}
        onClear={clear}
      />
    </>
  )
}

const BULK_WORDS = { cancel: 'that was cancelled', retry: 'that was started again' }

type BulkBannerProps = { ids: readonly string[]; bulk: ListSearch['bulk']; onClear: () => void }

/** Says that the list is one of chosen executions, and leads back to all of them. */
function BulkBanner({ ids, bulk, onClear }: BulkBannerProps) {
  return (
    <p className="app-bulk" role="status">
      {`${ids.length === 1 ? 'One execution' : `${ids.length} executions`}: `}
      {bulk ? `the bulk ${BULK_WORDS[bulk]}.` : 'those that the address names.'}
      <button type="button" className="headway-link" onClick={onClear}>
        Show all executions
      </button>
    </p>
  )
}

type ExecutionListProps = { search: ListSearch; onFilter: () => void; onClear: () => void }

function ExecutionList({ search, onFilter, onClear }: ExecutionListProps) {
  const navigate = useNavigate()
  const { rows, waiting, nextCursor, error, isLoading, show, refresh } = useExecutionRows(search)
  const bulk = useBulk(refresh)
  const [current, setCurrent] = useState<string | null>(null)
  const open = (id: string) => navigate({ to: '/executions/$executionId', params: { executionId: id } })
  useListKeys({ rows, current, setCurrent, bulk, open, show, onFilter })
  if (rows.length === 0) {
    if (error) return <PageProblem error={error} what="List of executions" onRetry={refresh} />
    if (isLoading) return <TableSkeleton />
    return <NoExecutions isFiltered={isNarrowed(search) || search.cursor !== undefined} onClear={onClear} />
  }
  return (
    <>
      {error && <StaleNotice error={error} />}
      <ListBar rows={rows} waiting={waiting} bulk={bulk} onShow={show} />
      <ExecutionTable rows={rows} bulk={bulk} current={current} onCurrent={setCurrent} />
      <nav className="headway app-pager" aria-label="Pages of the list">
        <span className="app-hint" aria-hidden="true">
          <kbd>j</kbd> <kbd>k</kbd> move · <kbd>Enter</kbd> open · <kbd>x</kbd> select · <kbd>f</kbd> filter ·{' '}
          <kbd>c</kbd> cancel · <kbd>r</kbd> run again · <kbd>?</kbd> keys
        </span>
        {search.cursor && (
          <Link to="/executions" search={{ ...search, cursor: undefined }} className="headway-button">
            Newest
          </Link>
        )}
        {nextCursor && (
          <Link to="/executions" search={{ ...search, cursor: nextCursor }} className="headway-button">
            Older
          </Link>
        )}
      </nav>
    </>
  )
}

type ListKeys = {
  rows: readonly Execution[]
  current: string | null
  setCurrent: (id: string | null) => void
  bulk: Bulk
  open: (id: string) => void
  show: () => void
  onFilter: () => void
}

function useListKeys({ rows, current, setCurrent, bulk, open, show, onFilter }: ListKeys): void {
  const place = rows.findIndex(row => row.execution_id === current)
  const move = (by: number) => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, place < 0 ? 0 : place + by))]
    if (!next) return
    setCurrent(next.execution_id)
    document.getElementById(`row-${next.execution_id}`)?.scrollIntoView({ block: 'nearest' })
  }
  // The first press chooses the row that one is at, the second one acts: a key alone ends no work.
  const act = (what: 'cancel' | 'retry') => {
    if (bulk.chosen.size > 0) void bulk.run(what, [...bulk.chosen])
    else if (current !== null) bulk.toggle(current)
  }
  useKeys<KeysOf<typeof LIST_KEYS>>({
    j: () => move(1),
    k: () => move(-1),
    Enter: () => current !== null && open(current),
    x: () => current !== null && bulk.toggle(current),
    c: () => act('cancel'),
    r: () => act('retry'),
    f: onFilter,
    '/': onFilter,
    G: show,
    Escape: () => (bulk.chosen.size > 0 ? bulk.choose([]) : setCurrent(null)),
  })
}

/** New rows that wait, what is chosen and what can be done with it; keeps its height, so that no row moves. */
function ListBar(props: { rows: readonly Execution[]; waiting: number; bulk: Bulk; onShow: () => void }) {
  const { rows, waiting, bulk, onShow } = props
  const count = bulk.chosen.size
  const chosen = [...bulk.chosen]
  return (
    <div className="app-list-bar">
      <Checkbox
        size="xs"
        label={count > 0 ? `${count} selected` : `Select all ${rows.length}`}
        checked={count > 0 && count === rows.length}
        indeterminate={count > 0 && count < rows.length}
        onChange={() => bulk.choose(count > 0 ? [] : rows.map(row => row.execution_id))}
      />
      <Button
        size="xs"
        variant="default"
        disabled={count === 0}
        loading={bulk.busy === 'cancel'}
        onClick={() => bulk.run('cancel', chosen)}
      >
        Cancel
      </Button>
      <Button
        size="xs"
        variant="default"
        disabled={count === 0}
        loading={bulk.busy === 'retry'}
        onClick={() => bulk.run('retry', chosen)}
      >
        Run again
      </Button>
      <span role="status" className="app-told">
        {bulk.told}
      </span>
      {bulk.these && (
        <Link to="/executions" search={bulk.these} className="app-these">
          Show these {bulk.these.id?.length}
        </Link>
      )}
      {waiting > 0 && (
        <Button size="xs" variant="light" className="app-new" onClick={onShow}>
          {waiting} new · show
        </Button>
      )}
    </div>
  )
}

function NoExecutions({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  if (isFiltered) {
    return (
      <div className="app-empty">
        <h2>No execution matches the filters</h2>
        <Button variant="light" onClick={onClear}>
          Clear filters
        </Button>
      </div>
    )
  }
  return (
    <div className="app-empty">
      <h2>No runs yet</h2>
      <p>Run a workflow here, or from a terminal:</p>
      <pre className="headway-code">headway run flows.py:crawl --input pages=20</pre>
      <Button component={Link} to="/">
        Choose a workflow
      </Button>
    </div>
  )
}

function TableSkeleton() {
  return (
    <div className="app-skeleton" role="status" aria-label="Loading">
      {[0, 1, 2, 3, 4, 5].map(row => (
        <span key={row} />
      ))}
    </div>
  )
}
