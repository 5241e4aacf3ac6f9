/** What a timeline draws: rows of the tree, and the bars of a row in pixels; pure. */

import type { Span, Track } from './history'
import { type Branch, isOpenAtFirst, labelsOf } from './stepForest'
import type { Interval, TimeScale, Window } from './timeScale'

/** Which branches the reader has opened (true) or closed (false), by id. */
export type Opened = ReadonlyMap<string, boolean>

export type Row = {
  readonly branch: Branch
  readonly label: string
  readonly depth: number
  /** Null where there is nothing to open. */
  readonly open: boolean | null
}

/** The branches that are to be seen, each above its items. */
export function rowsOf(forest: readonly Branch[], opened: Opened): Row[] {
  const rows: Row[] = []
  const add = (branches: readonly Branch[], depth: number, group: string | null) => {
    const labels = labelsOf(branches, group)
    branches.forEach((branch, index) => {
      const open = branch.items.length === 0 ? null : (opened.get(branch.id) ?? isOpenAtFirst(branch))
      rows.push({ branch, label: labels[index] ?? branch.name, depth, open })
      if (open) add(branch.items, depth + 1, branch.name)
    })
  }
  add(forest, 0, null)
  return rows
}

/** So many levels of the tree open, and no more: with 0 only its roots are to be seen. */
export function openedTo(forest: readonly Branch[], level: number): Opened {
  const opened = new Map<string, boolean>()
  const go = (branches: readonly Branch[], depth: number) => {
    for (const { id, items } of branches) {
      if (items.length === 0) continue
      opened.set(id, depth < level)
      go(items, depth + 1)
    }
  }
  go(forest, 0)
  return opened
}

/** Ids of the branches that stand above one, outermost first; null where there is no such branch. */
export function pathTo(forest: readonly Branch[], id: string): string[] | null {
  for (const branch of forest) {
    if (branch.id === id) return []
    const below = pathTo(branch.items, id)
    if (below) return [branch.id, ...below]
  }
  return null
}

/** When something went on: attempts of steps that have no items, without what they waited for. */
export function busyTimes(forest: readonly Branch[], now: number): Interval[] {
  return forest.flatMap(({ items, track }) =>
    items.length > 0 ? busyTimes(items, now) : track?.kind === 'step' ? attemptsOf(track, now) : [],
  )
}

function attemptsOf({ spans }: Track, now: number): Interval[] {
  const waits = spans.filter(({ kind }) => kind === 'wait' || kind === 'approval')
  return spans.flatMap(({ kind, from, to }) => {
    if (kind !== 'attempt') return []
    const parts: Interval[] = []
    let begun = from
    for (const wait of waits) {
      if (wait.from >= (to ?? now) || wait.from < begun) continue
      parts.push({ from: begun, to: wait.from })
      begun = wait.to ?? now
    }
    if (begun < (to ?? now) || parts.length === 0) parts.push({ from: begun, to: to ?? now })
    return parts
  })
}

/** What is drawn in a branch's row: its own spans; of a bundle those of its items, of a folded group its failures. */
export function spansOf(branch: Branch, open: boolean | null): readonly Span[] {
  const own = branch.track?.spans ?? []
  if (open !== false) return own
  return branch.track ? [...own, ...branch.items.flatMap(failedIn)] : branch.items.flatMap(itemSpans)
}

function itemSpans(item: Branch): readonly Span[] {
  return item.track?.spans ?? spansOf(item, false)
}

/** The last try of each item that failed for good. */
function failedIn({ track, status, items }: Branch): Span[] {
  const last = status === 'failed' ? track?.spans.at(-1) : undefined
  return last ? [last] : items.flatMap(failedIn)
}

export type Bar = {
  readonly kind: Span['kind']
  readonly left: number
  width: number
  status: string
  /** How many spans it stands for: those too short to be drawn apart stand in one. */
  count: number
  readonly isShort: boolean
  readonly span: Span
}

/** No bar is drawn shorter, so that what took a moment can be seen and clicked. */
export const MIN_BAR_PX = 3

/** The bars within the window, left to right; where many fall on one place, the worst of them shows. */
export function barsOf(
  spans: readonly Span[],
  scale: TimeScale,
  shown: Window,
  widthPx: number,
  now: number,
): Bar[] {
  const perMs = widthPx / Math.max(1e-9, shown.to - shown.from)
  const bars: Bar[] = []
  for (const span of spans) {
    const begin = (scale.offset(span.from) - shown.from) * perMs
    const end = (scale.offset(span.to ?? now) - shown.from) * perMs
    if (end < -MIN_BAR_PX || begin > widthPx) continue
    const left = Math.max(-MIN_BAR_PX, Math.min(begin, widthPx - MIN_BAR_PX))
    const right = Math.max(left + MIN_BAR_PX, Math.min(end, widthPx + MIN_BAR_PX))
    const last = bars.at(-1)
    const isShort = end - begin <= MIN_BAR_PX
    if (last && isShort && canTake(last, span, left, right)) {
      last.status = worse(last.status, span.status)
      last.width = Math.max(last.width, right - last.left)
      last.count += 1
    } else {
      bars.push({ kind: span.kind, left, width: right - left, status: span.status, count: 1, isShort, span })
    }
  }
  return bars
}

/** Whether a short span may stand in the bar before it: it is like it, or both are lost in one spot. */
function canTake(bar: Bar, span: Span, left: number, right: number): boolean {
  if (bar.kind !== span.kind || left >= bar.left + bar.width + 1) return false
  return bar.status === span.status || (bar.isShort && right - bar.left <= 2 * MIN_BAR_PX)
}

const WORST_FIRST = ['failed', 'lost', 'running', 'cancelled', 'skipped', 'completed', 'reused']

function worse(one: string, other: string): string {
  return WORST_FIRST.indexOf(one) <= WORST_FIRST.indexOf(other) ? one : other
}
