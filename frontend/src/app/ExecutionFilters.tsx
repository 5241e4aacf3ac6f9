import { Button, MultiSelect, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { type RefObject, useEffect, useState } from 'react'
import { useApi } from './session'
import { type ExecutionsSearch, SINCE_CHOICES } from './useExecutionRows'

const STATUSES = ['queued', 'running', 'waiting', 'cancelling', 'completed', 'failed', 'cancelled']
const SINCE_WORDS: Record<string, string> = {
  '1h': 'last hour',
  '24h': 'last 24 hours',
  '7d': 'last 7 days',
  '30d': 'last 30 days',
}

export type ExecutionFiltersProps = {
  search: ExecutionsSearch
  onChange: (change: Partial<ExecutionsSearch>) => void
  /** The field for text, so that a key can lead there. */
  text: RefObject<HTMLInputElement | null>
}

/** What the list is narrowed to; all of it stands in the address. */
export function ExecutionFilters({ search, onChange, text }: ExecutionFiltersProps) {
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
  const filtered = Boolean(chosen || search.status?.length || search.since || search.q)
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
        data={SINCE_CHOICES.map(value => ({ value, label: SINCE_WORDS[value] ?? value }))}
        value={search.since ?? null}
        onChange={since => onChange({ since: since ?? undefined })}
        clearable
      />
      <TextFilter value={search.q ?? ''} onChange={q => onChange({ q: q || undefined })} field={text} />
      {/* Always there, so that the list below does not move. */}
      <Button
        variant="subtle"
        disabled={!filtered}
        onClick={() => onChange({ workflow: undefined, status: undefined, since: undefined, q: undefined })}
      >
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
  useEffect(() => setDraft(value), [value])
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
