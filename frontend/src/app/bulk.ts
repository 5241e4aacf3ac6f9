/** Do something to many executions, and tell of each what became of it. */

import { Problem } from '../api/http'
import type { BulkAction, ListSearch } from './listSearch'

export type Outcome = 'done' | 'over' | 'refused'
export type Receipt = {
  readonly outcome: Outcome
  readonly message: string
  /** The execution that goes on from it: itself, or the new one. */
  readonly leadsTo?: string
}
/** What a call that was not refused gives. */
export type Done = { readonly message: string; readonly leadsTo: string }

const AT_ONCE = 6

/** @param onReceipt gets each receipt as it comes */
export async function forEach(
  ids: readonly string[],
  call: (id: string) => Promise<Done>,
  onReceipt: (id: string, receipt: Receipt) => void,
): Promise<void> {
  const left = [...ids]
  const work = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) onReceipt(id, await receiptOf(call, id))
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, ids.length) }, work))
}

async function receiptOf(call: (id: string) => Promise<Done>, id: string): Promise<Receipt> {
  try {
    return { outcome: 'done', ...(await call(id)) }
  } catch (error) {
    if (error instanceof Problem && error.code === 'execution_closed') {
      return { outcome: 'over', message: 'had ended' }
    }
    return { outcome: 'refused', message: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * The list of those a bulk was about: all that were to end, also those that refused to, or the new ones.
 *
 * @returns null where there are none
 */
export function bulkSearch(
  action: BulkAction,
  ids: readonly string[],
  receipts: ReadonlyMap<string, Receipt>,
): ListSearch | null {
  const id = action === 'cancel' ? [...ids] : ids.flatMap(each => receipts.get(each)?.leadsTo ?? [])
  return id.length > 0 ? { id, bulk: action } : null
}

/** "3 cancelled, 1 had ended, 1 refused". */
export function summed(receipts: Iterable<Receipt>, done: string): string {
  const counts = { done: 0, over: 0, refused: 0 }
  for (const { outcome } of receipts) counts[outcome] += 1
  const words = { done, over: 'had ended', refused: 'refused' }
  return (['done', 'over', 'refused'] as const)
    .filter(outcome => counts[outcome] > 0)
    .map(outcome => `${counts[outcome]} ${words[outcome]}`)
    .join(', ')
}
