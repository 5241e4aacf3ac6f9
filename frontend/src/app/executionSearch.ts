/** What of an execution's page stands in its address. */

import type { MonitorChoice } from '../components/monitorPane'
import { LEVELS } from '../core/logChunk'

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
    step: word(search['step']),
    view: word(search['view']),
    tab: word(search['tab']),
    q: word(search['q']),
    regex: search['regex'] === true || undefined,
    only: search['only'] === true || undefined,
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

/** An address that a person wrote may have a number where a text is meant. */
function word(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}
