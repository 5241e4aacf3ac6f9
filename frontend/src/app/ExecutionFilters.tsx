import { Button, MultiSelect, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { type RefObject, useEffect, useState } from 'react'
import { isNarrowed, type ListSearch, SINCE_CHOICES, spanWords } from './listSearch'
import { useApi } from './session'

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
      <TextFilter value={search.q ?? ''} onChange={q => onChange({ q: q || undefined })} field={text} />
      {/* Always there, so that the list below does not move. */}
      <Button variant="subtle" disabled={!isNarrowed(search)} onClick={onClear}>
        Clear filters
      </Button>
    </search>
  )
}

type TextFilterProps = {
  value: string
  onChange: (value: string) => void
  field: RefObject<HTMLInputElement | null>
}

/** Asked for when the typing pauses. */
function TextFilter({ value, onChange, field }: TextFilterProps) {
  const [draft, setDraft] = useState(value)
  const ask = useDebouncedCallback(onChange, 300)
  // A space at the end is of a word that is still to come.
  useEffect(() => setDraft(before => (before.trim() === value ? before : value)), [value])
  return (
    <TextInput
      ref={field}
      className="app-filter-text"
      label="Text"
      placeholder="id or error"
      type="search"
      value={draft}
      onChange={event => {
        setDraft(event.currentTarget.value)
        ask(event.currentTarget.value.trim())
      }}
      onKeyDown={event => event.key === 'Escape' && event.currentTarget.blur()}
    />
  )
}
