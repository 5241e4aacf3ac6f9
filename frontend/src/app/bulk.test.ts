import { expect, it } from 'vitest'
import { Problem } from '../api/http'
import { bulkSearch, forEach, type Receipt, summed } from './bulk'

it('each execution gets its receipt, whatever becomes of the others', async () => {
  const receipts = new Map<string, Receipt>()
  const call = async (id: string) => {
    if (id === 'b') throw new Problem(409, 'execution_closed', 'it has ended')
    if (id === 'c') throw new Problem(503, 'unavailable', 'no journal')
    return { message: 'asked', leadsTo: id }
  }
  await forEach(['a', 'b', 'c', 'd'], call, (id, receipt) => receipts.set(id, receipt))

  expect(Object.fromEntries(receipts)).toEqual({
    a: { outcome: 'done', message: 'asked', leadsTo: 'a' },
    b: { outcome: 'over', message: 'had ended' },
    c: { outcome: 'refused', message: 'no journal' },
    d: { outcome: 'done', message: 'asked', leadsTo: 'd' },
  })
  expect(summed(receipts.values(), 'cancelled')).toBe('2 cancelled, 1 had ended, 1 refused')
})

it('few are asked at once, and all of them', async () => {
  let [running, most] = [0, 0]
  const ids = Array.from({ length: 40 }, (_, index) => String(index))
  const seen: string[] = []
  await forEach(
    ids,
    async () => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      running -= 1
      return { message: '', leadsTo: '' }
    },
    id => seen.push(id),
  )
  expect(seen.sort()).toEqual([...ids].sort())
  expect(most).toBeLessThanOrEqual(6)
})

it('afterwards exactly those can be shown: all that were to end, or the new ones', () => {
  const receipts = new Map<string, Receipt>([
    ['a', { outcome: 'done', message: '', leadsTo: 'a2' }],
    ['b', { outcome: 'refused', message: 'no' }],
    ['c', { outcome: 'done', message: '', leadsTo: 'c2' }],
  ])
  expect(bulkSearch('cancel', ['a', 'b', 'c'], receipts)).toEqual({ id: ['a', 'b', 'c'], bulk: 'cancel' })
  expect(bulkSearch('retry', ['a', 'b', 'c'], receipts)).toEqual({ id: ['a2', 'c2'], bulk: 'retry' })
  expect(bulkSearch('retry', ['b'], receipts)).toBeNull()
})
