import { expect, it } from 'vitest'
import { isNarrowed, listSearch, queryOf, spanWords } from './listSearch'
import { parseSearch, stringifySearch } from './searchText'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const read = (address: string) => listSearch(parseSearch(address))

it('reads plain filters, and writes them plainly', () => {
  const address = '?workflow=nightly&status=failed&status=running&since=24h&q=123'
  const search = read(address)

  expect(search).toMatchObject({ workflow: 'nightly', status: ['failed', 'running'], since: '24h', q: '123' })
  expect(stringifySearch(search)).toBe(address)
  expect(isNarrowed(search)).toBe(true)
})

it('reads several statuses in one, and addresses of before', () => {
  for (const status of ['failed,running', '%5B%22failed%22%2C%22running%22%5D']) {
    expect(stringifySearch(read(`?status=${status}`))).toBe('?status=failed&status=running')
  }
})

it('leaves out what means nothing', () => {
  const search = read('?status=&since=tomorrow&q=&bulk=everything&x=y')
  expect(stringifySearch(search)).toBe('')
  expect(isNarrowed(search)).toBe(false)
})

it.each([
  ['90m', '2026-11-22T10:30:00.000Z', 'last 90 minutes'],
  ['24h', '2026-11-21T12:00:00.000Z', 'last 24 hours'],
  ['7d', '2026-11-15T12:00:00.000Z', 'last 7 days'],
  ['1h', '2026-11-22T11:00:00.000Z', 'last hour'],
])('since=%s asks for those from then on', (since, from, words) => {
  expect(queryOf(read(`?since=${since}`), NOW).since).toBe(from)
  expect(spanWords(since)).toBe(words)
})

it('holds exactly those of a bulk', () => {
  const search = read('?id=01A&id=01B,01A&bulk=cancel')
  expect(search).toMatchObject({ id: ['01A', '01B'], bulk: 'cancel' })
  expect(queryOf(search, NOW)).toMatchObject({ id: ['01A', '01B'], status: undefined })
})
