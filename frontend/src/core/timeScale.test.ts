import { describe, expect, it } from 'vitest'
import { idleGaps, moved, TimeScale, ticks, zoomed } from './timeScale'

const HOUR = 3_600_000

describe('idle gaps', () => {
  it('are the long stretches in which nothing goes on', () => {
    const busy = [
      { from: 0, to: 20_000 },
      { from: 10_000, to: 40_000 },
      { from: HOUR, to: HOUR + 10_000 },
    ]
    expect(idleGaps(busy, 0, HOUR + 10_000)).toEqual([{ from: 40_000, to: HOUR }])
  })

  it('stay as they are where they are short, or short beside the rest', () => {
    expect(idleGaps([{ from: 0, to: 1_000 }], 0, 5_000)).toEqual([])
    const busy = [
      { from: 0, to: 100_000 },
      { from: 107_000, to: 200_000 },
    ]
    expect(idleGaps(busy, 0, 200_000)).toEqual([])
  })

  it('are measured against the time that is left when longer ones have folded', () => {
    const busy = [
      { from: 0, to: 20_000 },
      { from: 20_000 + HOUR, to: 40_000 + HOUR },
      { from: 50_000 + HOUR, to: 60_000 + HOUR },
    ]
    expect(idleGaps(busy, 0, 60_000 + HOUR)).toEqual([
      { from: 20_000, to: 20_000 + HOUR },
      { from: 40_000 + HOUR, to: 50_000 + HOUR },
    ])
  })

  it('do not fold where nothing else is there: all of the axis would be gone', () => {
    expect(idleGaps([], 0, HOUR)).toEqual([])
    expect(idleGaps([{ from: 9_000, to: 9_000 }], 0, HOUR)).toEqual([])
  })

  it('may stand at both ends', () => {
    const gaps = idleGaps([{ from: HOUR, to: HOUR + 9_000 }], 0, 2 * HOUR)
    expect(gaps.map(({ from, to }) => [from, to])).toEqual([
      [0, HOUR],
      [HOUR + 9_000, 2 * HOUR],
    ])
  })
})

describe('the scale', () => {
  const scale = new TimeScale(1_000, 1_000 + 2 * HOUR + 100_000, [{ from: 51_000, to: 51_000 + 2 * HOUR }])

  it('shortens what folds and nothing else', () => {
    expect(scale.length).toBe(106_000)
    expect(scale.offset(1_000)).toBe(0)
    expect(scale.offset(51_000)).toBe(50_000)
    expect(scale.offset(51_000 + HOUR)).toBe(53_000)
    expect(scale.offset(51_000 + 2 * HOUR)).toBe(56_000)
    expect(scale.offset(scale.to)).toBe(106_000)
  })

  it('goes both ways, over folds too', () => {
    for (let time = scale.from; time <= scale.to; time += 77_777)
      expect(scale.time(scale.offset(time))).toBeCloseTo(time, 3)
  })

  it('keeps order, and holds what lies outside at its ends', () => {
    let before = -1
    for (let time = scale.from; time <= scale.to; time += 10_000) {
      expect(scale.offset(time)).toBeGreaterThan(before)
      before = scale.offset(time)
    }
    expect(scale.offset(0)).toBe(0)
    expect(scale.offset(scale.to + 5)).toBe(scale.length)
  })

  it('has a length even where no time has passed', () => {
    expect(new TimeScale(5, 5).length).toBe(1)
    expect(new TimeScale(5, 5).offset(5)).toBe(0)
  })
})

describe('ticks', () => {
  const labels = (scale: TimeScale, widthPx: number, from = 0, to = scale.length) =>
    ticks(scale, { from, to }, widthPx).map(tick => tick.label)

  it('are round, and no more than there is room for', () => {
    expect(labels(new TimeScale(7, 7 + 42_000), 250)).toEqual(['0', '10 s', '20 s', '30 s', ''])
    expect(labels(new TimeScale(7, 7 + 900), 300)).toEqual(['0', '200 ms', '400 ms', '600 ms', ''])
    expect(labels(new TimeScale(0, 200_000), 240)).toEqual(['0', '1:00', '2:00', ''])
    expect(labels(new TimeScale(0, 3 * HOUR), 300)).toEqual(['0', '1:00:00', '2:00:00', ''])
  })

  it('name the seconds between two minutes as finely as they stand apart', () => {
    const scale = new TimeScale(0, 100_000)
    expect(labels(scale, 200, 61_000, 62_000)).toEqual(['1:01.0', '1:01.5', ''])
    expect(labels(scale, 300, 61_000, 61_020)).toEqual(['1:01.000', '1:01.005', '1:01.010', '1:01.015', ''])
  })

  it('leave folds out', () => {
    const scale = new TimeScale(0, HOUR + 40_000, [{ from: 20_000, to: 20_000 + HOUR }])
    const found = ticks(scale, { from: 0, to: scale.length }, 380)
    expect(found.map(({ label }) => label)).toEqual(['0', '10 s', '1:00:20', '1:00:30', ''])
    for (const { offset } of found) expect(offset <= 20_000 || offset >= 22_400).toBe(true)
  })

  it.each([3_000, 45_000, 125_000, 5 * HOUR, 30 * HOUR, 100 * HOUR])(
    'of %i ms differ from each other at every zoom, and keep clear of each other and of the end',
    length => {
      const scale = new TimeScale(0, length)
      for (const widthPx of [90, 240, 700])
        for (let zoom = 1; length / zoom >= 20; zoom *= 3) {
          const shown = { from: length - length / zoom, to: length }
          const found = ticks(scale, shown, widthPx, widthPx - 30)
          const at = ({ offset }: { offset: number }) =>
            ((offset - shown.from) / (shown.to - shown.from)) * widthPx
          const told = found.filter(({ label }) => label !== '')
          expect(new Set(told.map(({ label }) => label)).size).toBe(told.length)
          found.forEach((tick, index) => {
            const next = found[index + 1]
            const room = tick.label.length * 7
            if (next) expect(at(tick) + room).toBeLessThan(at(next))
            if (tick.label !== '') expect(at(tick) + room).toBeLessThan(widthPx - 30)
          })
        }
    },
  )
})

describe('the window', () => {
  it('zooms around a place that stays, and no further than the axis', () => {
    const half = zoomed({ from: 0, to: 1_000 }, 0.5, 250, 1_000)
    expect(half).toEqual({ from: 125, to: 625 })
    expect(zoomed(half, 8, 250, 1_000)).toEqual({ from: 0, to: 1_000 })
    const least = zoomed(half, 1e-9, 250, 1_000)
    expect(least.to - least.from).toBeCloseTo(5)
  })

  it('moves within the axis', () => {
    expect(moved({ from: 100, to: 200 }, -500, 1_000)).toEqual({ from: 0, to: 100 })
    expect(moved({ from: 100, to: 200 }, 5_000, 1_000)).toEqual({ from: 900, to: 1_000 })
  })
})
