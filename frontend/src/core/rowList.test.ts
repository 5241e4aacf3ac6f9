import { describe, expect, it } from 'vitest'
import { emptyRowList, mergePage, patchRows, shownRows, showWaiting } from './rowList'

type Row = { execution_id: string; phase: string }
const row = (execution_id: string, phase = 'running'): Row => ({ execution_id, phase })
const first = mergePage(emptyRowList<Row>(), [row('03'), row('02'), row('01')])

describe('a list of rows', () => {
  it('is filled by its first page', () => {
    expect(shownRows(first)).toEqual([row('03'), row('02'), row('01')])
  })

  it('changes a shown row in its place, and lets new ones wait', () => {
    const next = mergePage(first, [row('05'), row('04'), row('03', 'failed')])
    expect(next.shown).toEqual(['03', '02', '01'])
    expect(shownRows(next)[0]).toEqual(row('03', 'failed'))
    expect(next.waiting).toEqual(['05', '04'])
  })

  it('counts a waiting row once, however often it comes, and keeps those that fell off the page', () => {
    const next = mergePage(mergePage(first, [row('04'), row('03')]), [row('06'), row('05')])
    expect(next.waiting).toEqual(['06', '05', '04'])
  })

  it('lets a new one wait though its id is lower: the clock was set back, or it is of the same millisecond', () => {
    expect(mergePage(first, [row('00'), row('04'), row('03')]).waiting).toEqual(['00', '04'])
  })

  it('takes an older row that was not shown for no new one', () => {
    const page = mergePage(emptyRowList<Row>(), [row('03'), row('01')])
    expect(mergePage(page, [row('03'), row('02')]).waiting).toEqual([])
  })

  it('shows what waits on top, and keeps its size', () => {
    const next = showWaiting(mergePage(first, [row('04')]), 3)
    expect(next.shown).toEqual(['04', '03', '02'])
    expect(next.waiting).toEqual([])
    expect(next.rows.has('01')).toBe(false)
  })

  it('patches only what it has, and is the same where nothing changed', () => {
    expect(patchRows(first, [{ execution_id: '99', phase: 'failed' }])).toBe(first)
    expect(patchRows(first, [{ execution_id: '02', phase: 'failed' }]).rows.get('02')).toEqual(
      row('02', 'failed'),
    )
  })
})
