import { expect, it } from 'vitest'
import { decodeUpdate } from './events'
import { applyUpdate, initialState } from './fold'
import { noteReceipt, type ReceiptNotes, receiptsOf } from './receipts'

const at = (second: number) => `2026-11-22T21:30:0${second}.000000Z`

function control(seq: number, stage: string, data: object = {}) {
  const own = { seq, kind: `control.${stage}`, type: 'status', timestamp: at(seq) }
  return decodeUpdate({ ...own, data: { control: 'cancel', control_id: 'c1', ...data } })
}

it('says when a control was requested, delivered and effective, by whom and with what', () => {
  const state = initialState('01JX4Q8ZK3M5N7P9R1T3V5W7Y9', 'nightly')
  const notes = new Map<string, ReceiptNotes>()
  const asked = { by: 'ada', message: 'too slow', phase: 'cancelling', force: true }
  const requested = control(1, 'requested', asked)
  for (const update of [requested, control(2, 'delivered'), control(3, 'effective')]) {
    applyUpdate(state, update)
    noteReceipt(notes, update)
  }

  expect(receiptsOf(state.controls, notes)).toEqual([
    {
      control_id: 'c1',
      control: 'cancel',
      stage: 'effective',
      by: 'ada',
      message: 'too slow',
      requested_at: at(1),
      force: true,
      delivered_at: at(2),
      effective_at: at(3),
    },
  ])
})

it('leaves out the times of a control that was there before the page was', () => {
  const known = {
    control_id: 'c1',
    control: 'cancel',
    stage: 'delivered',
    by: null,
    requested_at: at(1),
    force: false,
  }

  const [receipt] = receiptsOf(new Map([['c1', known]]), new Map())

  expect(receipt).toMatchObject({ stage: 'delivered', delivered_at: null, effective_at: null })
})

it('forgets what the state has forgotten', () => {
  const notes = new Map<string, ReceiptNotes>()
  noteReceipt(notes, control(1, 'delivered'))

  expect(receiptsOf(new Map(), notes)).toEqual([])
  expect(notes.size).toBe(0)
})
