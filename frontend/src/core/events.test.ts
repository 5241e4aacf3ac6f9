import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decodeUpdate, InvalidFrame, isKnown, isTerminal, KINDS } from './events'

const frames = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../protocol/fixtures/frames.json'), 'utf8'),
) as { kind: string; frame: string }[]
const now = '2026-11-22T21:30:00.000000Z'

describe('decodeUpdate', () => {
  it('reads a golden frame of every kind, and there is one of every kind', () => {
    for (const { frame, kind } of frames) {
      const update = decodeUpdate(JSON.parse(frame))
      expect(update.kind).toBe(kind)
      expect(isKnown(update), kind).toBe(true)
      expect(update.execution_id).toBeTypeOf('string')
    }
    expect(new Set(frames.map(frame => frame.kind))).toEqual(new Set(KINDS))
  })

  it('lets unknown kinds and keys pass', () => {
    const update = decodeUpdate({
      type: 'status',
      kind: 'x.y',
      timestamp: now,
      seq: 3,
      data: { z: 1 },
      extra: 1,
    })
    expect(update).toMatchObject({ kind: 'x.y', extra: 1, data: { z: 1 } })
    expect(isKnown(update)).toBe(false)
  })

  it.each([
    ['an array', []],
    ['an unknown type', { type: 'wave', timestamp: now, data: {} }],
    ['no timestamp', { type: 'log', data: {} }],
    ['data that is no object', { type: 'log', timestamp: now, data: 'hello' }],
    ['data that is an array', { type: 'log', timestamp: now, data: [] }],
    ['a seq of 0', { type: 'log', timestamp: now, seq: 0, data: {} }],
    ['a fractional seq', { type: 'log', timestamp: now, seq: 1.5, data: {} }],
    [
      'a known kind without its fields',
      { type: 'status', kind: 'step.started', seq: 1, timestamp: now, data: {} },
    ],
    ['null', null],
  ])('refuses %s', (_, value) => {
    expect(() => decodeUpdate(value)).toThrow(InvalidFrame)
  })

  it('is not fooled by a kind named like a method of every object', () => {
    expect(isKnown(decodeUpdate({ type: 'log', kind: 'toString', seq: 1, timestamp: now, data: {} }))).toBe(
      false,
    )
  })
})

it('only complete and error frames with a final status are terminal', () => {
  const frame = (type: string, status?: string) =>
    isTerminal(decodeUpdate({ type, timestamp: now, data: { status } }))
  expect([frame('complete', 'completed'), frame('complete', 'cancelled'), frame('error', 'failed')]).toEqual([
    true,
    true,
    true,
  ])
  expect([frame('status', 'completed'), frame('error', 'running'), frame('complete')]).toEqual([
    false,
    false,
    false,
  ])
})
