import { Button, MultiSelect, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { RefObject } from 'react'
import { isNarrowed, type ListSearch, SINCE_CHOICES, spanWords } from './listSearch'
import { useApi } from './session'
import { TextFilter } from './TextFilter'

const STATUSES = ['queued', 'running', 'waiting', 'cancelling', 'completed', 'failed', 'cancelled']

export type ExecutionFiltersProps = {
  search: ListSearch
  onChange: (change: Partial<ListSearch>) => void
  onClear: () => void
  /** The field for text, so that a key can lead there. */
  text: RefObject<HTMLInputElement | null>
}

/** What the list is narrowed to; all of it stands in the address. */
export function ExecutionFilters({ search, onChange, onClear, text }: ExecutionFiltersProps) {
  const api = useApi()
  const { data } = useQuery({
    queryKey: ['workflows'],
    queryFn: ({ signal }) => api.workflows(signal),
    staleTime: 30_000,
  })
  const known = data?.workflows.map(each => ({ value: each.workflow_id, label: each.title })) ?? []
  const chosen = search.workflow
  const workflows =
    chosen && !known.some(each => each.value === chosen)
      ? [...known, { value: chosen, label: chosen }]
      : known
  const spans = search.since ? [...new Set([...SINCE_CHOICES, search.since])] : SINCE_CHOICES
  return (
    <search className="app-filters">
      <Select
        label="Workflow"
        placeholder="any"
        data={workflows}
        value={chosen ?? null}
        onChange={workflow => onChange({ workflow: workflow ?? undefined })}
        searchable
        clearable
      />
      <MultiSelect
        className="app-filter-status"
        label="Status"
        placeholder={search.status?.length ? '' : 'any'}
        data={STATUSES}
        value={search.status ?? []}
        onChange={status => onChange({ status: status.length > 0 ? status : undefined })}
        clearable
      />
      <Select
        label="Since"
        placeholder="ever"
        data={spans.map(value => ({ value, label: spanWords(value) }))}
        value={search.since ?? null}
        onChange={since => onChange({ since: since ?? undefined })}
        clearable
      />
      <TextFilter
        className="app-filter-text"
        label="Text"
        placeholder="id or error"
        value={search.q ?? ''}
        onChange={q => onChange({ q: q || undefined })}
        field={text}
      />
      {/* Always there, so that the list below does not move. */}
      <Button variant="subtle" disabled={!isNarrowed(search)} onClick={onClear}>
        Clear filters
      </Button>
    </search>
  )
}
