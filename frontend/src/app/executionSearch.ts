/** What of an execution's page stands in its address. */

import type { MonitorChoice } from '../components/monitorPane'

export type ExecutionSearch = {
  step?: string | undefined
  view?: string | undefined
  tab?: string | undefined
}

export function executionSearch(search: Record<string, unknown>): ExecutionSearch {
  return { step: word(search['step']), view: word(search['view']), tab: word(search['tab']) }
}

/** The address after a choice: a step that is cleared leaves it. */
export function withChoice(search: ExecutionSearch, { step, ...others }: MonitorChoice): ExecutionSearch {
  return { ...search, ...others, ...(step === undefined ? {} : { step: step ?? undefined }) }
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
