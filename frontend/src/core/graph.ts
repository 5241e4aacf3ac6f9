/** The steps as a graph: the declared plan where there is one, else what came after what; pure. */

import type { PlannedStep } from './events'
import type { Grid } from './graphLayout'
import { type Branch, bundleOf, isOpenAtFirst, labelsOf } from './stepForest'
import type { Opened } from './timeline'

export type GraphNode = {
  /** Stays the same from the plan to the end. */
  readonly key: string
  readonly branch: Branch
  readonly label: string
  /** Null where there is nothing to open. */
  readonly open: boolean | null
}
export type GraphEdge = { readonly from: string; readonly to: string }
export type Graph = {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  /** The items of each open fan-out that stand side by side. */
  readonly grids: readonly Grid[]
}

/** So many items may stand in one row, each with its edges. */
const ROW_OF = 4

type Place = { key: string; branch: Branch }

/**
 * The graph of a tree. An open group stands before its items, and what follows the group follows them.
 *
 * @param plan steps and edges known before the run; without it the edges follow from time
 */
export function graphOf(forest: readonly Branch[], plan: readonly PlannedStep[], opened: Opened): Graph {
  const places = placesOf(forest, plan)
  const nodes: GraphNode[] = []
  const edges: GraphEdge[] = []
  const grids: Grid[] = []
  const made = { nodes, edges, grids }
  const exits = new Map<string, readonly string[]>()
  for (const place of labelled(places, null)) exits.set(place.key, unfold(place, opened, made))
  const planned = new Map(plan.map(({ name }) => [name, `plan:${name}`]))
  const link = (from: string, to: string) => {
    for (const exit of exits.get(from) ?? []) edges.push({ from: exit, to })
  }
  for (const { name, after } of plan)
    for (const other of after) {
      const [from, to] = [planned.get(other), planned.get(name)]
      if (from && to) link(from, to)
    }
  const isPlanned = new Set(planned.values())
  for (const { from, to } of orderOf(places)) if (!isPlanned.has(from) || !isPlanned.has(to)) link(from, to)
  return made
}

/** What stands at the top: a place for each planned step, whatever ran under its name, and one for all else. */
function placesOf(forest: readonly Branch[], plan: readonly PlannedStep[]): Place[] {
  const planned = new Set(plan.map(({ name }) => name))
  const byName = new Map<string, Branch[]>()
  const others: Place[] = []
  for (const branch of forest) {
    if (branch.kind !== 'planned' && !(planned.has(branch.name) && branch.kind !== 'wait')) {
      others.push({ key: branch.id, branch })
      continue
    }
    const known = byName.get(branch.name)
    if (known) known.push(branch)
    else byName.set(branch.name, [branch])
  }
  const places = plan.flatMap(({ name }) => {
    const branches = byName.get(name) ?? []
    const [only] = branches
    if (!only) return []
    return [{ key: `plan:${name}`, branch: branches.length > 1 ? bundleOf(name, branches) : only }]
  })
  return [...places, ...others]
}

type Labelled = Place & { readonly label: string }

function labelled(places: readonly Place[], group: string | null): Labelled[] {
  const labels = labelsOf(
    places.map(({ branch }) => branch),
    group,
  )
  return places.map((place, index) => ({ ...place, label: labels[index] ?? place.branch.name }))
}

type Making = { readonly nodes: GraphNode[]; readonly edges: GraphEdge[]; readonly grids: Grid[] }

/** Add a place and what it shows of its items; returns the nodes that what follows comes after. */
function unfold({ key, branch, label }: Labelled, opened: Opened, made: Making): readonly string[] {
  const { nodes, edges, grids } = made
  const open = branch.items.length === 0 ? null : (opened.get(branch.id) ?? isOpenAtFirst(branch))
  nodes.push({ key, branch, label, open })
  if (!open) return [key]
  const items = labelled(
    branch.items.map(item => ({ key: item.id, branch: item })),
    branch.name,
  )
  const isFanOut = items.every(item => item.branch.name === branch.name)
  const order = isFanOut ? [] : orderOf(items)
  const exits = new Map(items.map(item => [item.key, unfold(item, opened, made)]))
  // An item that is open itself leads to its own items, and stands beside the others.
  const closed = items.flatMap(item => (exits.get(item.key)?.[0] === item.key ? [item.key] : []))
  if (isFanOut && closed.length > ROW_OF) grids.push({ id: `items:${key}`, members: closed })
  const entered = new Set(order.map(({ to }) => to))
  const left = new Set(order.map(({ from }) => from))
  for (const item of items) if (!entered.has(item.key)) edges.push({ from: key, to: item.key })
  for (const { from, to } of order) for (const exit of exits.get(from) ?? []) edges.push({ from: exit, to })
  return items.filter(item => !left.has(item.key)).flatMap(item => exits.get(item.key) ?? [])
}

type Timed = { key: string; start: number; end: number }

/** Who came after whom, as far as time tells: an edge from each that ended before, unless another lies between. */
function orderOf(places: readonly Place[]): GraphEdge[] {
  const timed = places.flatMap(({ key, branch }): Timed[] => {
    const [start, end] = timesOf(branch)
    return Number.isFinite(start) ? [{ key, start, end }] : []
  })
  const byEnd = timed.toSorted((a, b) => a.end - b.end)
  const edges: GraphEdge[] = []
  let ended: Timed[] = []
  let next = 0
  let latest: Timed | undefined // of those that ended, the last to start
  for (const one of timed.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    for (let other = byEnd[next]; other && other.end <= one.start; other = byEnd[++next]) {
      if (other === one) break
      ended.push(other)
      if (!latest || other.start >= latest.start) latest = other
    }
    const { start: lastStart } = latest ?? one
    ended = ended.filter(other => other === latest || other.end > lastStart)
    for (const { key } of ended) if (key !== one.key) edges.push({ from: key, to: one.key })
  }
  return edges
}

function timesOf({ track, items }: Branch): [number, number] {
  if (track) return [track.started, track.ended ?? Number.POSITIVE_INFINITY]
  let [start, end] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const item of items) {
    const [from, to] = timesOf(item)
    start = Math.min(start, from)
    end = Math.max(end, to)
  }
  return [start, end]
}
