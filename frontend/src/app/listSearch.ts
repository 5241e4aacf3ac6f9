/** What the list of executions is narrowed to, as it stands in the address. */

import type { ExecutionQuery } from '../api/http'
import { wordOf, wordsOf } from './searchText'

export type ListSearch = {
  workflow?: string | undefined
  status?: string[] | undefined
  /** How long ago it was queued at most: "90m", "24h", "7d". */
  since?: string | undefined
  q?: string | undefined
  cursor?: string | undefined
  /** These executions and no others. */
  id?: string[] | undefined
  /** What was done to all of them at once. */
  bulk?: BulkAction | undefined
}

export type BulkAction = 'cancel' | 'retry'

export const PAGE_SIZE = 25
/** What is offered; any other span may be written into the address. */
export const SINCE_CHOICES = ['1h', '24h', '7d', '30d']
const UNIT_MS: Record<string, number> = { m: 60e3, h: 3_600e3, d: 86_400e3 }
const UNIT_WORDS: Record<string, string> = { m: 'minutes', h: 'hours', d: 'days' }
const SPAN = /^([1-9]\d{0,3})([mhd])$/

/** An address as filters; what means nothing is left out of it. */
export function listSearch(search: Record<string, unknown>): ListSearch {
  const since = wordOf(search['since'])
  const bulk = wordOf(search['bulk'])
  return {
    workflow: wordOf(search['workflow']),
    status: wordsOf(search['status']),
    since: since !== undefined && SPAN.test(since) ? since : undefined,
    q: wordOf(search['q']),
    cursor: wordOf(search['cursor']),
    id: wordsOf(search['id']),
    bulk: bulk === 'cancel' || bulk === 'retry' ? bulk : undefined,
  }
}

/** Whether anything but the place in the list is chosen. */
export function isNarrowed({ workflow, status, since, q, id }: ListSearch): boolean {
  return Boolean(workflow || status?.length || since || q || id?.length)
}

/** The filters as the server takes them. */
export function queryOf(search: ListSearch, now: number): ExecutionQuery {
  const span = spanMs(search.since)
  return {
    workflow_id: search.workflow,
    status: search.status,
    q: search.q,
    since: span === undefined ? undefined : new Date(now - span).toISOString(),
    id: search.id,
    cursor: search.cursor,
    limit: PAGE_SIZE,
  }
}

/** "last 24 hours". */
export function spanWords(since: string): string {
  const [, count = '', unit = ''] = SPAN.exec(since) ?? []
  const units = UNIT_WORDS[unit] ?? ''
  return count === '1' ? `last ${units.slice(0, -1)}` : `last ${count} ${units}`
}

function spanMs(since: string | undefined): number | undefined {
  const [, count, unit = ''] = SPAN.exec(since ?? '') ?? []
  return count === undefined ? undefined : Number(count) * (UNIT_MS[unit] ?? 0)
}
