import { describe, expect, it } from 'vitest'
import {
  answerApproval,
  closeWaiting,
  endWait,
  initialWaiting,
  isWaiting,
  MAX_APPROVALS,
  requestApproval,
  startWait,
  waitingFromJson,
} from './waiting'

const AT = '2026-11-22T21:30:00.000000Z'
const ask = (id: string) => ({ approval_id: id, message: 'Deploy?' })

describe('what an execution waits for', () => {
  it('is open while a wait or a question is', () => {
    const waiting = initialWaiting()
    startWait(waiting, { wait_id: 'timer-1', wait: 'timer' }, AT)
    requestApproval(waiting, ask('approval-1'), AT)
    endWait(waiting, { wait_id: 'timer-1', wait: 'timer', outcome: 'elapsed' })
    expect(isWaiting(waiting)).toBe(true)
    answerApproval(waiting, { approval_id: 'approval-1', approved: true }, AT)
    expect(isWaiting(waiting)).toBe(false)
  })

  it('keeps every open question, and lets answered ones go beyond the limit', () => {
    const waiting = initialWaiting()
    for (let n = 1; n <= MAX_APPROVALS + 2; n++) requestApproval(waiting, ask(`approval-${n}`), AT)
    answerApproval(waiting, { approval_id: 'approval-2', approved: false }, AT)
    requestApproval(waiting, ask('late'), AT)
    expect(waiting.approvals.has('approval-2')).toBe(false)
    expect(waiting.approvals.size).toBe(MAX_APPROVALS + 2)
  })

  it('asks nothing any more after the end', () => {
    const waiting = initialWaiting()
    requestApproval(waiting, ask('approval-1'), AT)
    closeWaiting(waiting)
    expect(waiting.approvals.get('approval-1')?.status).toBe('withdrawn')
    expect(isWaiting(waiting)).toBe(false)
  })

  it('is read from JSON with defaults, whatever is wrong with it', () => {
    expect(waitingFromJson(undefined)).toEqual(initialWaiting())
    const read = waitingFromJson({ approvals: { a: { message: 'Go?' }, b: 3 }, signals: { page: 2, x: 'y' } })
    expect(read.approvals.get('a')).toMatchObject({ status: 'open', message: 'Go?', approved: null })
    expect([...read.signals]).toEqual([['page', 2]])
    expect(read.approvals.has('b')).toBe(false)
  })
})
