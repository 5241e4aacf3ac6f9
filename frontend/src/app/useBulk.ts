/** Which rows are chosen, and what became of what was asked of them. */

import { useState } from 'react'
import { newIdempotencyKey } from '../api/idempotency'
import { rememberedName } from '../hooks/useRememberedName'
import { forEach, type Receipt, summed } from './bulk'
import { useApi } from './session'

export type BulkAction = 'cancel' | 'retry'

export type Bulk = {
  readonly chosen: ReadonlySet<string>
  readonly receipts: ReadonlyMap<string, Receipt>
  /** Which is under way. */
  readonly busy: BulkAction | null
  /** What became of the last one, in a sentence. */
  readonly told: string
  readonly toggle: (id: string) => void
  readonly choose: (ids: readonly string[]) => void
  readonly run: (action: BulkAction, ids: readonly string[]) => Promise<void>
}

export function useBulk(onDone: () => void): Bulk {
  const api = useApi()
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [receipts, setReceipts] = useState<ReadonlyMap<string, Receipt>>(new Map())
  const [busy, setBusy] = useState<BulkAction | null>(null)
  const [told, setTold] = useState('')
  const toggle = (id: string) =>
    setChosen(before => {
      const next = new Set(before)
      if (!next.delete(id)) next.add(id)
      return next
    })
  const call = {
    cancel: async (id: string) => {
      await api.cancel(id, newIdempotencyKey(), rememberedName())
      return 'cancel asked'
    },
    retry: async (id: string) => {
      const started = await api.retry(id, newIdempotencyKey(), { by: rememberedName() })
      return `again as ${started.execution_id.slice(-8)}`
    },
  }
  const run = async (action: BulkAction, ids: readonly string[]) => {
    if (busy !== null || ids.length === 0) return
    const got = new Map<string, Receipt>()
    setBusy(action)
    setTold('')
    await forEach(ids, call[action], (id, receipt) => {
      got.set(id, receipt)
      setReceipts(before => new Map(before).set(id, receipt))
    })
    setBusy(null)
    setTold(summed(got.values(), action === 'cancel' ? 'cancelled' : 'started again'))
    setChosen(new Set())
    onDone()
  }
  return { chosen, receipts, busy, told, toggle, choose: ids => setChosen(new Set(ids)), run }
}
