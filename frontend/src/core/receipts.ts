/**
 * What became of each control, with the times that the state leaves out: requested, delivered, effective.
 *
 * A page that joined late has the stage of an older control, but not when it got there.
 */

import { isKnown, type WorkflowExecutionUpdate } from './events'
import type { ControlState } from './fold'

export type Receipt = ControlState & {
  readonly message: string | null
  readonly delivered_at: string | null
  readonly effective_at: string | null
}
/** What is known of a control beyond its state. */
export type ReceiptNotes = Pick<Receipt, 'message' | 'delivered_at' | 'effective_at'>

const UNKNOWN: ReceiptNotes = { message: null, delivered_at: null, effective_at: null }

/** Note what an update says of a control, if it is about one. */
export function noteReceipt(notes: Map<string, ReceiptNotes>, update: WorkflowExecutionUpdate): void {
  if (!isKnown(update)) return
  const { kind, timestamp } = update
  if (kind === 'control.requested') {
    const { control_id: id, message } = update.data
    notes.set(id, { ...UNKNOWN, ...notes.get(id), message: message ?? null })
  } else if (kind === 'control.delivered') {
    const { control_id: id } = update.data
    notes.set(id, { ...UNKNOWN, ...notes.get(id), delivered_at: timestamp })
  } else if (kind === 'control.effective') {
    const { control_id: id } = update.data
    notes.set(id, { ...UNKNOWN, ...notes.get(id), effective_at: timestamp })
  }
}

/** The receipts in the order in which they were asked for; notes on controls that left the state are dropped. */
export function receiptsOf(
  controls: ReadonlyMap<string, ControlState>,
  notes: Map<string, ReceiptNotes>,
): Receipt[] {
  for (const id of notes.keys()) if (!controls.has(id)) notes.delete(id)
  return [...controls].map(([id, control]) => ({ ...control, ...(notes.get(id) ?? UNKNOWN) }))
}
