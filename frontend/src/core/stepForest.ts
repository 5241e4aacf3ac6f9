/**
 * What happened as a tree to show: groups above their items, many steps of one name in one bundle, what is planned
 * behind what has begun. The timeline, the graph and the list of steps all show this one tree.
 */

import type { PlannedStep } from './events'
import type { Counts } from './fold'
import type { Track } from './history'

/** A group with more items than this is folded until the reader opens it. */
export const FOLD_ABOVE = 12

/** How many items are where; all 0 for a plain step. */
export type Tally = {
  readonly items: number
  readonly done: number
  readonly failed: number
  readonly running: number
}

export type Branch = {
  /** Of the step; of a bundle or a planned step it is one that no step has. */
  readonly id: string
  readonly kind: Track['kind'] | 'bundle' | 'planned'
  readonly name: string
  readonly status: string
  /** Null for a bundle and for what is only planned. */
  readonly track: Track | null
  readonly items: readonly Branch[]
  readonly tally: Tally
}

const NO_ITEMS: Tally = { items: 0, done: 0, failed: 0, running: 0 }

/** The tree, in the order in which things began. */
export function stepForest(tracks: ReadonlyMap<string, Track>, plan: readonly PlannedStep[]): Branch[] {
  const children = new Map<string | null, Track[]>()
  const names = new Set<string>()
  for (const track of tracks.values()) {
    // A parent that was forgotten leaves its items at the top.
    const parent =
      track.parent !== null && track.parent !== track.id && tracks.has(track.parent) ? track.parent : null
    const siblings = children.get(parent)
    if (siblings) siblings.push(track)
    else children.set(parent, [track])
    if (track.kind === 'step') names.add(track.name)
  }
  const begun = branchesOf(children.get(null) ?? [], children, null)
  const waiting = plan.filter(({ name }) => !names.has(name))
  return [...begun, ...waiting.map(({ name }) => plannedBranch(name))]
}

/** Whether a branch shows its items, where the reader has not said so. */
export function isOpenAtFirst({ items, track }: Branch): boolean {
  return items.length > 0 && Math.max(items.length, track?.total ?? 0) <= FOLD_ABOVE
}

/**
 * What each of some branches side by side is called: by its name, with its number where the name repeats. One that is
 * named like its group goes by what it says, else by its number.
 */
export function labelsOf(siblings: readonly Branch[], group: string | null): string[] {
  const counts = countsOf(siblings)
  return siblings.map(({ name, id, track }) => {
    const number = id.includes('#') ? id.slice(id.lastIndexOf('#')) : ''
    if (name === group) return track?.message || number || name
    return (counts.get(name) ?? 0) > 1 ? `${name} ${number}`.trimEnd() : name
  })
}

/** The steps that one stands in, the nearest first. */
export function parentsOf(tracks: ReadonlyMap<string, Track>, id: string): Track[] {
  const above: Track[] = []
  let track = tracks.get(tracks.get(id)?.parent ?? '')
  while (track && track.id !== id && !above.includes(track)) {
    above.push(track)
    track = tracks.get(track.parent ?? '')
  }
  return above
}

/** How many steps of the whole are done: planned ones by their name, else those found so far. */
export function stepsDone(
  tracks: ReadonlyMap<string, Track>,
  plan: readonly PlannedStep[],
  counts: Pick<Counts, 'steps' | 'steps_completed'>,
): { done: number; total: number } {
  if (plan.length === 0) return { done: counts.steps_completed, total: counts.steps }
  const isDone = new Map<string, boolean>()
  for (const { name, status, parent } of tracks.values())
    if (parent === null)
      isDone.set(name, (isDone.get(name) ?? true) && (status === 'completed' || status === 'skipped'))
  return { done: plan.filter(({ name }) => isDone.get(name)).length, total: plan.length }
}

function branchesOf(
  siblings: readonly Track[],
  children: ReadonlyMap<string | null, Track[]>,
  group: string | null,
): Branch[] {
  const counts = countsOf(siblings)
  const branches: Branch[] = []
  const bundles = new Map<string, Branch[]>()
  for (const track of siblings) {
    const branch = branchOf(track, children)
    const isMany = track.name !== group && (counts.get(track.name) ?? 0) > FOLD_ABOVE
    const bundle = bundles.get(track.name)
    if (!isMany) branches.push(branch)
    else if (bundle) bundle.push(branch)
    else {
      const items = [branch]
      bundles.set(track.name, items)
      branches.push(branch) // replaced below, where the bundle is whole
    }
  }
  if (bundles.size === 0) return branches
  return branches.map(branch => {
    const items = bundles.get(branch.name)
    return items?.[0] === branch ? bundleOf(branch.name, items) : branch
  })
}

function countsOf(named: readonly { readonly name: string }[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { name } of named) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

function branchOf(track: Track, children: ReadonlyMap<string | null, Track[]>): Branch {
  const { id, kind, name, status } = track
  const own = children.get(id)
  const items = own ? branchesOf(own, children, name) : []
  const tally = items.length > 0 ? tallyOf(items) : NO_ITEMS
  // A group counts its items itself: those that were forgotten, too.
  const done = Math.max(tally.done, Math.min(track.done ?? 0, track.total ?? 0) - tally.failed)
  return { id, kind, name, status, track, items, tally: items.length > 0 ? { ...tally, done } : NO_ITEMS }
}

/** Steps of one name as one. */
export function bundleOf(name: string, items: readonly Branch[]): Branch {
  const tally = tallyOf(items)
  let status = 'completed'
  if (tally.running > 0) status = 'running'
  else if (tally.failed > 0) status = 'failed'
  else if (tally.done === 0) status = items.at(-1)?.status ?? 'completed'
  return { id: `bundle:${items[0]?.id}`, kind: 'bundle', name, status, track: null, items, tally }
}

function plannedBranch(name: string): Branch {
  return {
    ...{ id: `planned:${name}`, kind: 'planned', name, status: 'planned', track: null },
    ...{ items: [], tally: NO_ITEMS },
  }
}

function tallyOf(items: readonly Branch[]): Tally {
  const tally = { items: 0, done: 0, failed: 0, running: 0 }
  for (const { status, kind, tally: inner } of items) {
    if (kind === 'bundle') {
      tally.items += inner.items
      tally.done += inner.done
      tally.failed += inner.failed
      tally.running += inner.running
      continue
    }
    tally.items += 1
    if (status === 'completed' || status === 'skipped') tally.done += 1
    else if (status === 'failed') tally.failed += 1
    else if (status === 'running' || status === 'retrying') tally.running += 1
  }
  return tally
}
