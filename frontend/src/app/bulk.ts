/** Do something to many executions, and tell of each what became of it. */

import { Problem } from '../api/http'

export type Outcome = 'done' | 'over' | 'refused'
export type Receipt = { readonly outcome: Outcome; readonly message: string }

const AT_ONCE = 6

/** @param onReceipt gets each receipt as it comes */
export async function forEach(
  ids: readonly string[],
  call: (id: string) => Promise<string>,
  onReceipt: (id: string, receipt: Receipt) => void,
): Promise<void> {
  const left = [...ids]
  const work = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) onReceipt(id, await receiptOf(call, id))
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, ids.length) }, work))
}

async function receiptOf(call: (id: string) => Promise<string>, id: string): Promise<Receipt> {
  try {
    return { outcome: 'done', message: await call(id) }
  } catch (error) {
    if (error instanceof Problem && error.code === 'execution_closed') {
      return { outcome: 'over', message: 'had ended' }
    }
    return { outcome: 'refused', message: error instanceof Error ? error.message : String(error) }
  }
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
