/** How a branch of the tree is told in words, in the timeline, the graph and the list alike. */

import { formatCount, formatCounted, formatDuration, formatExact } from '../core/format'
import type { Branch } from '../core/stepForest'
import { type IconName, isIconName } from './icons'

/** "12 of 500 done, 3 failed" of a group or a bundle. */
export function tallyText({ tally, track }: Branch): string {
  const { items, done, failed, running } = tally
  const total = Math.max(items, track?.total ?? 0)
  if (done === total) return formatCounted(total, 'item')
  const parts = [`${formatCount(done)} of ${formatCount(total)} done`]
  if (failed > 0) parts.push(`${formatCount(failed)} failed`)
  if (running > 0) parts.push(`${formatCount(running)} running`)
  return parts.join(', ')
}

/** The same where there is little room: "12/500, 3 failed". */
export function shortTally({ tally, track }: Branch): string {
  const total = Math.max(tally.items, track?.total ?? 0)
  if (tally.done === total) return `× ${formatCount(total)}`
  const counts = `${formatCount(tally.done)}/${formatCount(total)}`
  return tally.failed > 0 ? `${counts}, ${formatCount(tally.failed)} failed` : counts
}

export function branchIcon({ kind, status }: Branch): IconName {
  if (status === 'running' && kind === 'approval') return 'question'
  if (status === 'running' && kind === 'wait') return 'waiting'
  return isIconName(status) ? status : 'running'
}

/** How long it went on, items and pauses between them included; null for what has not begun. */
export function durationOf({ track, items }: Branch, now: number): number | null {
  if (track) return Math.max(0, (track.ended ?? now) - track.started)
  if (items.length === 0) return null
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const item of items) {
    from = Math.min(from, item.track?.started ?? now)
    to = Math.max(to, item.track?.ended ?? now)
  }
  return to - from
}

/** From when to when exactly, to stand behind a duration; how long something has gone on has no end yet. */
export function exactSpan(from: number, to: number | null): string {
  const until = to === null ? '' : `\nto ${formatExact(to)}`
  return Number.isFinite(from) ? `from ${formatExact(from)}${until}` : ''
}

/** All of it in one sentence, for a screen reader. */
export function spokenBranch(branch: Branch, label: string, took: number | null): string {
  const { track, status, tally } = branch
  const parts = [label, status === 'planned' ? 'not begun' : status]
  if (track && track.attempt > 1) parts.push(`try ${track.attempt}`)
  if (tally.items > 0) parts.push(tallyText(branch))
  if (took !== null) parts.push(formatDuration(took))
  if (track?.error) parts.push(track.error)
  return parts.join(', ')
}
