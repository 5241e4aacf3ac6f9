import { describe, expect, it } from 'vitest'
import { aSpan, aTrack, forestOf, planned } from '../../test/tracks'
import type { Span, Track } from './history'
import { isOpenAtFirst } from './stepForest'
import { barsOf, busyTimes, MIN_BAR_PX, openedTo, pathTo, rowsOf, spansOf } from './timeline'
import { TimeScale } from './timeScale'

const items = (count: number, more: (n: number) => Partial<Track> = () => ({})) =>
  Array.from({ length: count }, (_, n) => aTrack(`load#${n + 2}`, { parent: 'load#1', ...more(n) }))

describe('the tree', () => {
  it('stands groups above their items and the plan behind what has begun', () => {
    const forest = forestOf(
      [aTrack('load#1', { total: 2 }), ...items(2), aTrack('mend#1')],
      [planned('load'), planned('report')],
    )
    expect(rowsOf(forest, new Map()).map(({ label, depth }) => `${depth} ${label}`)).toEqual([
      '0 load',
      '1 #2',
      '1 #3',
      '0 mend',
      '0 report',
    ])
    expect(forest.at(-1)).toMatchObject({ kind: 'planned', status: 'planned', track: null })
  })

  it('folds a large group, and one that will be large, until the reader opens it', () => {
    const large = forestOf([aTrack('load#1'), ...items(13)])
    const growing = forestOf([aTrack('load#1', { total: 500 }), ...items(1)])
    for (const [group] of [large, growing]) expect(group && isOpenAtFirst(group)).toBe(false)
    expect(rowsOf(large, new Map())).toHaveLength(1)
    expect(rowsOf(large, new Map([['load#1', true]]))).toHaveLength(14)
  })

  it('counts where the items of a group are', () => {
    const statuses = ['completed', 'failed', 'running', 'retrying', 'skipped', 'cancelled']
    const [group] = forestOf([aTrack('load#1'), ...items(6, n => ({ status: statuses[n] ?? '' }))])
    expect(group?.tally).toEqual({ items: 6, done: 2, failed: 1, running: 2 })
  })

  it('bundles many steps of one name, wherever they stand between others', () => {
    const tracks = Array.from({ length: 13 }, (_, n) => [aTrack(`ask#${n}`), aTrack(`tell#${n}`)]).flat()
    const forest = forestOf([aTrack('begin#1'), ...tracks])
    expect(forest.map(({ name, kind, items }) => `${kind} ${name} ${items.length}`)).toEqual([
      'step begin 0',
      'bundle ask 13',
      'bundle tell 13',
    ])
    expect(rowsOf(forest, new Map([['bundle:ask#0', true]]))[2]).toMatchObject({ label: '#0', depth: 1 })
  })

  it('shows the items of a group that was forgotten at the top', () => {
    expect(forestOf(items(2)).map(({ id }) => id)).toEqual(['load#2', 'load#3'])
  })

  it('opens to a level, and closes what is deeper', () => {
    const nested = [
      aTrack('load#1'),
      ...items(14),
      aTrack('parse#1', { parent: 'load#2' }),
      aTrack('check#1', { parent: 'parse#1' }),
    ]
    const forest = forestOf(nested)
    const depths = (level: number) =>
      Math.max(...rowsOf(forest, openedTo(forest, level)).map(({ depth }) => depth))
    expect([0, 1, 2, 3, 9].map(depths)).toEqual([0, 1, 2, 3, 3])
  })

  it('finds the way to a step, through bundles too', () => {
    const forest = forestOf([aTrack('load#1'), ...items(14)])
    expect(pathTo(forest, 'load#9')).toEqual(['load#1'])
    expect(pathTo(forest, 'load#1')).toEqual([])
    expect(pathTo(forest, 'nowhere')).toBeNull()
  })
})

describe('what is busy', () => {
  it('is the attempts of steps, without what they wait for and without groups', () => {
    const group = aTrack('load#1', { spans: [aSpan(0, 1_000)] })
    const waiting = [aSpan(0, 100), aSpan(20, 80, { kind: 'approval' })]
    const retried = [aSpan(200, 210), aSpan(210, 290, { kind: 'backoff' }), aSpan(290, null)]
    const forest = forestOf([group, ...items(2, n => ({ spans: n === 0 ? waiting : retried }))])
    expect(busyTimes(forest, 300)).toEqual([
      { from: 0, to: 20 },
      { from: 80, to: 100 },
      { from: 200, to: 210 },
      { from: 290, to: 300 },
    ])
  })

  it('is not a wait of the body, nor a step that still waits', () => {
    const wait = aTrack('wait:sleep#1', { kind: 'wait', spans: [aSpan(0, null, { kind: 'wait' })] })
    const asking = aTrack('ask#1', { spans: [aSpan(0, null), aSpan(10, null, { kind: 'approval' })] })
    expect(busyTimes(forestOf([wait, asking]), 500)).toEqual([{ from: 0, to: 10 }])
  })
})

describe('bars', () => {
  const scale = new TimeScale(0, 1_000)
  const bars = (spans: Span[], now = 1_000, shown = { from: 0, to: 1_000 }) =>
    barsOf(spans, scale, shown, 100, now).map(({ left, width, status, count }) => [
      left,
      width,
      status,
      count,
    ])

  it('stand where their time is; what goes on reaches to now', () => {
    expect(bars([aSpan(100, 500), aSpan(600, null)], 800)).toEqual([
      [10, 40, 'completed', 1],
      [60, 20, 'running', 1],
    ])
  })

  it('are never too short to be seen, at the end of the axis too', () => {
    expect(bars([aSpan(0, 0), aSpan(1_000, 1_000)])).toEqual([
      [0, MIN_BAR_PX, 'completed', 1],
      [97, MIN_BAR_PX, 'completed', 1],
    ])
  })

  it('outside the window are left out, and cut where they reach out of it', () => {
    expect(bars([aSpan(0, 100), aSpan(150, 900)], 1_000, { from: 200, to: 300 })).toEqual([
      [-3, 106, 'completed', 1],
    ])
  })

  it('of a spot stand in one, which shows the worst of them', () => {
    expect(bars([aSpan(100, 101), aSpan(102, 103, { status: 'failed' }), aSpan(104, 105)])).toEqual([
      [10, expect.closeTo(3.4), 'failed', 3],
    ])
  })

  it('show a failure within a long bar of another kind of end', () => {
    expect(bars([aSpan(0, 1_000), aSpan(500, 501, { status: 'failed' })])).toEqual([
      [0, 100, 'completed', 1],
      [50, 3, 'failed', 1],
    ])
  })

  it('are few, however many spans there are', () => {
    const spans = Array.from({ length: 20_000 }, (_, n) =>
      aSpan(n / 20, n / 20 + 0.05, { status: n % 2 ? 'failed' : 'completed' }),
    )
    expect(bars(spans).length).toBeLessThan(40)
  })

  it('of a folded group are its own and the failures below; of a bundle those of its items', () => {
    const failed = [aSpan(5, 6, { status: 'failed' })]
    const [group] = forestOf([
      aTrack('load#1'),
      ...items(13, n =>
        n === 3 ? { spans: [aSpan(2, 3, { status: 'failed' }), ...failed], status: 'failed' } : {},
      ),
    ])
    expect(group && spansOf(group, false)).toEqual([aSpan(0, 1), ...failed])
    expect(group && spansOf(group, true)).toEqual([aSpan(0, 1)])
    const [bundle] = forestOf(Array.from({ length: 13 }, (_, n) => aTrack(`tell#${n}`)))
    expect(bundle && spansOf(bundle, false)).toHaveLength(13)
  })
})
