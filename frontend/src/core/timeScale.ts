/**
 * An axis of time on which idle stretches are short: pure arithmetic, in milliseconds; knows no pixel.
 *
 * An *offset* is a place on the axis: milliseconds from its start, long idle gaps counted as `foldLength`.
 */

/** A gap folds where it is longer than this, and than this share of the time in which something goes on. */
const FOLD_OVER_MS = 5_000
const FOLD_SHARE = 0.1
/** What is left of a fold, as a share of the busy time. */
const FOLDED_TO = 0.06

export type Interval = { readonly from: number; readonly to: number }
export type Fold = Interval & { readonly offset: number; readonly length: number }
export type Tick = { readonly offset: number; readonly label: string }

export class TimeScale {
  readonly folds: readonly Fold[]
  /** Offset of the end. */
  readonly length: number

  /** @param gaps idle stretches between the ends, in order, not touching each other */
  constructor(
    readonly from: number,
    readonly to: number,
    gaps: readonly Interval[] = [],
  ) {
    const busy = Math.max(1, to - from - sum(gaps))
    const folds: Fold[] = []
    let saved = 0
    for (const gap of gaps) {
      const length = Math.min(gap.to - gap.from, busy * FOLDED_TO)
      folds.push({ from: gap.from, to: gap.to, offset: gap.from - from - saved, length })
      saved += gap.to - gap.from - length
    }
    this.folds = folds
    this.length = Math.max(1, to - from - saved)
  }

  /** Where a time stands; times outside stand at the ends. */
  offset(time: number): number {
    let saved = 0
    for (const fold of this.folds) {
      if (time < fold.from) break
      if (time < fold.to) {
        const share = (time - fold.from) / (fold.to - fold.from)
        return fold.offset + share * fold.length
      }
      saved += fold.to - fold.from - fold.length
    }
    return Math.min(this.length, Math.max(0, time - this.from - saved))
  }

  /** The time that stands at an offset. */
  time(offset: number): number {
    let saved = 0
    for (const fold of this.folds) {
      if (offset < fold.offset) break
      if (offset < fold.offset + fold.length)
        return fold.from + ((offset - fold.offset) / fold.length) * (fold.to - fold.from)
      saved += fold.to - fold.from - fold.length
    }
    return this.from + offset + saved
  }
}

/** Stretches between `from` and `to` in which nothing goes on and that are long enough to fold. */
export function idleGaps(busy: readonly Interval[], from: number, to: number): Interval[] {
  if (busy.every(interval => interval.from >= interval.to)) return [] // folded, no axis would be left
  const gaps: Interval[] = []
  let end = from
  for (const interval of busy.toSorted((a, b) => a.from - b.from)) {
    if (interval.from > end) gaps.push({ from: end, to: Math.min(interval.from, to) })
    end = Math.max(end, interval.to)
  }
  if (to > end) gaps.push({ from: end, to })
  return longest(gaps, to - from)
}

/** The busy time is what is left when all that folds has been folded: the longest go first. */
function longest(gaps: readonly Interval[], total: number): Interval[] {
  const folded: Interval[] = []
  let busy = total
  for (const gap of gaps.toSorted((a, b) => b.to - b.from - (a.to - a.from))) {
    const length = gap.to - gap.from
    if (length < FOLD_OVER_MS || length < FOLD_SHARE * (busy - length)) break
    folded.push(gap)
    busy -= length
  }
  return folded.sort((a, b) => a.from - b.from)
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map(n => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map(n => n * MINUTE),
  ...[1, 2, 4, 6, 12].map(n => n * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000].map(n => n * DAY),
]

/** Pixels that a label takes, at the most, in the font of the axis: each of its characters, its padding and a gap. */
const CHARACTER_PX = 7
const AROUND_LABEL_PX = 12

/**
 * Round times of the part that is shown, told from the start on, as many as their labels have room for; none stands in
 * a fold. A tick whose label would not end before `endPx` has an empty one.
 */
export function ticks(scale: TimeScale, shown: Window, widthPx: number, endPx = widthPx): Tick[] {
  const pxPerMs = widthPx / Math.max(1e-9, shown.to - shown.from)
  const [begin, end] = [scale.time(shown.from) - scale.from, scale.time(shown.to) - scale.from]
  const step =
    STEPS.find(each => each * pxPerMs >= roomOf(tickLabel(Math.floor(end / each) * each, each))) ??
    STEPS.at(-1) ??
    DAY
  const found: Tick[] = []
  let freeFrom = Number.NEGATIVE_INFINITY
  let elapsed = Math.ceil(begin / step) * step
  while (elapsed <= end) {
    const time = scale.from + elapsed
    const label = tickLabel(elapsed, step)
    const fold = scale.folds.find(each => time >= each.from && time < each.to)
    if (fold) elapsed = Math.ceil((fold.to - scale.from) / step) * step
    else elapsed += step
    const offset = scale.offset(time)
    const at = (offset - shown.from) * pxPerMs
    if (fold || at < freeFrom) continue
    freeFrom = at + roomOf(label)
    found.push({ offset, label: freeFrom <= endPx ? label : '' })
  }
  return found
}

/** Pixels that a label of the axis is given. */
export function roomOf(label: string): number {
  return label.length * CHARACTER_PX + AROUND_LABEL_PX
}

/** "250 ms", "2.5 s", "90 s" never: "1:30", "2:05:00", "3 d 4 h"; two that stand `step` apart are never the same. */
function tickLabel(elapsed: number, step: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  if (elapsed === 0) return '0'
  if (elapsed < SECOND) return `${elapsed} ms`
  if (elapsed < MINUTE) return step < SECOND ? `${decimals(elapsed, step)} s` : `${elapsed / SECOND} s`
  const seconds = (elapsed % MINUTE) / SECOND
  const rest =
    step < SECOND ? decimals(elapsed % MINUTE, step).padStart(step < 100 ? 6 : 4, '0') : two(seconds)
  if (elapsed < HOUR) return `${Math.floor(elapsed / MINUTE)}:${rest}`
  const minutes = two((elapsed % HOUR) / MINUTE)
  if (elapsed < DAY) return `${Math.floor(elapsed / HOUR)}:${minutes}:${rest}`
  const days = `${Math.floor(elapsed / DAY)} d`
  const hours = Math.floor((elapsed % DAY) / HOUR)
  if (step < MINUTE) return `${days} ${two(hours)}:${minutes}:${rest}`
  if (step < HOUR) return `${days} ${two(hours)}:${minutes}`
  return hours > 0 ? `${days} ${hours} h` : days
}

function decimals(ms: number, step: number): string {
  return (ms / SECOND).toFixed(step >= 100 ? 1 : 3)
}

function sum(intervals: readonly Interval[]): number {
  return intervals.reduce((total, { from, to }) => total + to - from, 0)
}

/** The part of an axis that is shown, by offsets. */
export type Window = Interval

/** The shortest stretch that can be shown. */
const MIN_WINDOW_MS = 5

/** Show more (factor above 1) or less of an axis, the offset `around` staying where it is. */
export function zoomed(shown: Window, factor: number, around: number, length: number): Window {
  const wanted = Math.min(length, Math.max(Math.min(MIN_WINDOW_MS, length), (shown.to - shown.from) * factor))
  const share = (around - shown.from) / Math.max(1e-9, shown.to - shown.from)
  return moved({ from: around - share * wanted, to: around + (1 - share) * wanted }, 0, length)
}

/** The window shifted by an offset, held within the axis. */
export function moved(shown: Window, by: number, length: number): Window {
  const wide = Math.min(length, shown.to - shown.from)
  const from = Math.min(length - wide, Math.max(0, shown.from + by))
  return { from, to: from + wide }
}
