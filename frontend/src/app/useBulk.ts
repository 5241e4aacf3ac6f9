/** Which rows are chosen, and what became of what was asked of them. */

import { useState } from 'react'
import { newIdempotencyKey } from '../api/idempotency'
import { rememberedName } from '../hooks/useRememberedName'
import { bulkSearch, forEach, type Receipt, summed } from './bulk'
import type { BulkAction, ListSearch } from './listSearch'
import { useApi } from './session'

export type Bulk = {
  readonly chosen: ReadonlySet<string>
  readonly receipts: ReadonlyMap<string, Receipt>
  /** Which is under way. */
  readonly busy: BulkAction | null
  /** What became of the last one, in a sentence. */
  readonly told: string
  /** Shows those that the last one was about: the cancelled ones, or the new ones. */
  readonly these: ListSearch | null
  readonly toggle: (id: string) => void
  readonly choose: (ids: readonly string[]) => void
  readonly run: (action: BulkAction, ids: readonly string[]) => Promise<void>
}

export function useBulk(onDone: () => unknown): Bulk {
  const api = useApi()
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [receipts, setReceipts] = useState<ReadonlyMap<string, Receipt>>(new Map())
  const [busy, setBusy] = useState<BulkAction | null>(null)
  const [told, setTold] = useState('')
  const [these, setThese] = useState<ListSearch | null>(null)
  const toggle = (id: string) =>
    setChosen(before => {
      const next = new Set(before)
      if (!next.delete(id)) next.add(id)
      return next
    })
  const call = {
    cancel: async (id: string) => {
      await api.cancel(id, newIdempotencyKey(), rememberedName())
      return { message: 'cancel asked', leadsTo: id }
    },
    retry: async (id: string) => {
      const started = await api.retry(id, newIdempotencyKey(), { by: rememberedName() })
      return { message: `again as ${started.execution_id.slice(-8)}`, leadsTo: started.execution_id }
    },
  }
  const run = async (action: BulkAction, ids: readonly string[]) => {
    if (busy !== null || ids.length === 0) return
    const got = new Map<string, Receipt>()
    setBusy(action)
    setTold('')
    setThese(null)
    await forEach(ids, call[action], (id, receipt) => {
      got.set(id, receipt)
      setReceipts(before => new Map(before).set(id, receipt))
    })
    setBusy(null)
    setTold(summed(got.values(), action === 'cancel' ? 'cancelled' : 'started again'))
    setThese(bulkSearch(action, ids, got))
    setChosen(new Set())
    onDone()
  }
  return { chosen, receipts, busy, told, these, toggle, choose: ids => setChosen(new Set(ids)), run }
}
