import { expect, it } from 'vitest'
import { NO_FILTER } from '../core/logFilter'
import { choiceOf, executionSearch, withChoice } from './executionSearch'
import { parseSearch } from './searchText'

it('holds what the log is filtered by, and gives it back', () => {
  const filter = { text: 'row \\d+', isRegex: true, onlyMatches: true, minLevel: 3 }
  const search = withChoice({ step: 'load#1' }, { filter })

  expect(search).toEqual({ step: 'load#1', q: 'row \\d+', regex: true, only: true, level: 'error' })
  expect(choiceOf(executionSearch(search))).toMatchObject({ step: 'load#1', filter })
})

it('is bare where nothing is chosen', () => {
  const search = withChoice({ q: 'x', level: 'error', step: 'a' }, { filter: NO_FILTER, step: null })

  expect(JSON.stringify(search)).toBe('{}')
  expect(choiceOf({})).toMatchObject({ step: null, filter: NO_FILTER })
})

it('takes what a person wrote, and nothing that means nothing', () => {
  const written = executionSearch(parseSearch('?q=404&level=warning&regex=true'))
  expect(choiceOf(written).filter).toMatchObject({ text: '404', minLevel: 2, isRegex: true })
  expect(choiceOf(executionSearch({ q: {}, level: 'loud', regex: 'no' })).filter).toEqual(NO_FILTER)
})
