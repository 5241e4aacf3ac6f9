/** What of an execution's page stands in its address. */

import type { MonitorChoice } from '../components/monitorPane'
import { LEVELS } from '../core/logChunk'
import { wordOf } from './searchText'

export type ExecutionSearch = {
  step?: string | undefined
  view?: string | undefined
  tab?: string | undefined
  /** What is sought in the log; as an expression, and whether the lines without it are left out. */
  q?: string | undefined
  regex?: true | undefined
  only?: true | undefined
  /** The least grave that the log shows. */
  level?: string | undefined
}

export function executionSearch(search: Record<string, unknown>): ExecutionSearch {
  const level = LEVELS.find(each => each.toLowerCase() === search['level'])
  return {
    step: wordOf(search['step']),
    view: wordOf(search['view']),
    tab: wordOf(search['tab']),
    q: wordOf(search['q']),
    regex: isOn(search['regex']),
    only: isOn(search['only']),
    level: level?.toLowerCase(),
  }
}

/** What an address chooses. */
export function choiceOf({ step, view, tab, q, regex, only, level }: ExecutionSearch): MonitorChoice {
  const filter = {
    text: q ?? '',
    isRegex: regex ?? false,
    onlyMatches: only ?? false,
    minLevel: Math.max(
      0,
      LEVELS.findIndex(each => each.toLowerCase() === level),
    ),
  }
  return { step: step ?? null, view, tab, filter }
}

/** The address after a choice: what is cleared leaves it. */
export function withChoice(
  search: ExecutionSearch,
  { step, filter, ...others }: MonitorChoice,
): ExecutionSearch {
  return {
    ...search,
    ...others,
    ...(step === undefined ? {} : { step: step ?? undefined }),
    ...(filter && {
      q: filter.text || undefined,
      regex: filter.isRegex || undefined,
      only: filter.onlyMatches || undefined,
      level: filter.minLevel > 0 ? LEVELS[filter.minLevel]?.toLowerCase() : undefined,
    }),
  }
}

/** As a choice of the page, and as an address has it. */
function isOn(value: unknown): true | undefined {
  return value === true || value === 'true' || undefined
}
