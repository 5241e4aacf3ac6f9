/**
 * A layered layout: longest-path layers, dummy nodes where an edge crosses layers, barycentre sweeps for the order,
 * and places that lie as near to their neighbours as the order allows.
 *
 * `along` runs from layer to layer, `across` within one. The nodes of a grid stand together, as wide as high, and
 * are one between the layers. A layout made from an earlier one leaves known nodes where they are. Deterministic;
 * cycles are cut at the edge that goes back to the earliest node.
 */

export type LayoutOptions = {
  /** Room of a node and the gap to the next, along and across the layers. */
  readonly along: number
  readonly across: number
  readonly gapAlong: number
  readonly gapAcross: number
}
export type Point = { readonly along: number; readonly across: number }
export type Spot = Point & { readonly layer: number }
/** A straight stretch of an edge, within a layer. */
export type Run = { readonly across: number; readonly begin: number; readonly end: number }
/** From node to node, or grid, by a run in each layer; between them it bends. */
export type Route = { readonly from: string; readonly to: string; readonly runs: readonly Run[] }
/** Nodes to be laid out side by side in rows, in place of one long row. */
export type Grid = { readonly id: string; readonly members: readonly string[] }
/** Where a grid lies: its middle, and what it takes. */
export type Block = Spot & { readonly length: number; readonly room: number }
export type Layout = {
  /** Middle of each node. */
  readonly spots: ReadonlyMap<string, Spot>
  readonly blocks: ReadonlyMap<string, Block>
  readonly routes: readonly Route[]
  readonly from: Point
  readonly to: Point
}
type Edge = { readonly from: string; readonly to: string }

const SWEEPS = 8
const ALIGNMENTS = 6
/** Room of an edge that passes through a layer. */
const LANE_PX = 16
/** From the nodes of a grid to its border. */
const PADDING_PX = 12

type Cell = {
  readonly id: string
  readonly layer: number
  /** What it takes across, the gap to the next included, and along. */
  readonly room: number
  readonly length: number
  readonly before: Cell[]
  readonly after: Cell[]
  order: number
  across: number
}

export function layoutGraph(
  ids: readonly string[],
  edges: readonly Edge[],
  options: LayoutOptions,
  previous?: Layout,
  grids: readonly Grid[] = [],
): Layout {
  const whole = gathered(ids, edges, grids)
  const layers = layersOf(whole.ids, whole.edges)
  const shapes = new Map(grids.map(({ id, members }) => [id, shapeOf(members.length, options)]))
  const plain = { room: options.across + options.gapAcross, length: options.along }
  const cells = new Map(whole.ids.map(id => [id, newCell(id, layers.get(id) ?? 0, shapes.get(id) ?? plain)]))
  const lanes: { edge: Edge; cells: Cell[] }[] = []
  const rows: Cell[][] = []
  const place = (cell: Cell) => {
    rows[cell.layer] ??= []
    rows[cell.layer]?.push(cell)
  }
  for (const cell of cells.values()) place(cell)
  for (const edge of whole.edges) {
    const [from, to] = [cells.get(edge.from), cells.get(edge.to)]
    if (!from || !to || from.layer >= to.layer) continue
    const lane = [from]
    for (let layer = from.layer + 1; layer < to.layer; layer++) {
      const dummy = newCell(`${edge.from}>${edge.to}@${layer}`, layer, { room: LANE_PX, length: 0 })
      place(dummy)
      lane.push(dummy)
    }
    lane.push(to)
    lane.forEach((cell, index) => {
      const next = lane[index + 1]
      if (!next) return
      cell.after.push(next)
      next.before.push(cell)
    })
    lanes.push({ edge, cells: lane })
  }
  const known = previous && knownPlaces(previous)
  if (known && whole.ids.some(id => known.has(id))) keepPlaces(rows, known)
  else {
    sweep(rows)
    align(rows)
  }
  return drawn(cells, rows, lanes, grids, options)
}

/** Each grid as one node, with one edge where its nodes have many. */
function gathered(
  ids: readonly string[],
  edges: readonly Edge[],
  grids: readonly Grid[],
): { ids: readonly string[]; edges: readonly Edge[] } {
  if (grids.length === 0) return { ids, edges }
  const gridOf = new Map(grids.flatMap(({ id, members }) => members.map(member => [member, id])))
  const standIn = (id: string) => gridOf.get(id) ?? id
  const kept = new Map<string, Edge>()
  for (const edge of edges) {
    const [from, to] = [standIn(edge.from), standIn(edge.to)]
    if (from !== to) kept.set(`${from}\n${to}`, { from, to })
  }
  return { ids: [...new Set(ids.map(standIn))], edges: [...kept.values()] }
}

type Shape = { readonly lanes: number; readonly room: number; readonly length: number }

/** Of a grid: as wide as high, as near as its nodes allow. */
function shapeOf(count: number, { along, across, gapAcross: gap }: LayoutOptions): Shape {
  const lanes = stepDown(Math.sqrt((count * (along + gap)) / (across + gap)))
  return {
    lanes,
    room: lanes * (across + gap) + 2 * PADDING_PX,
    length: Math.ceil(count / lanes) * (along + gap) - gap + 2 * PADDING_PX,
  }
}

/** The next lower of 2, 3, 4, 6, 8, 12 …: nodes move to other rows only when the grid has become much larger. */
function stepDown(lanes: number): number {
  const power = 2 ** Math.floor(Math.log2(Math.max(2, lanes)))
  return lanes >= 1.5 * power ? 1.5 * power : power
}

/** The longest way to each node from a start; a node in a cycle waits for those before it in the given order only. */
function layersOf(ids: readonly string[], edges: readonly Edge[]): Map<string, number> {
  const after = new Map<string, string[]>(ids.map(id => [id, []]))
  const missing = new Map<string, number>(ids.map(id => [id, 0]))
  for (const { from, to } of edges) {
    if (from === to || !after.has(from) || !after.has(to)) continue
    after.get(from)?.push(to)
    missing.set(to, (missing.get(to) ?? 0) + 1)
  }
  const layers = new Map<string, number>()
  const found = new Map<string, number>()
  const ready = ids.filter(id => missing.get(id) === 0)
  let next = 0
  let search = 0
  while (layers.size < ids.length) {
    let id = ready[next++]
    if (id === undefined) {
      while (layers.has(ids[search] ?? '')) search += 1
      id = ids[search]
      if (id === undefined) break
    }
    if (layers.has(id)) continue
    const layer = found.get(id) ?? 0
    layers.set(id, layer)
    for (const to of after.get(id) ?? []) {
      if (layers.has(to)) continue
      found.set(to, Math.max(found.get(to) ?? 0, layer + 1))
      const left = (missing.get(to) ?? 0) - 1
      missing.set(to, left)
      if (left === 0) ready.push(to)
    }
  }
  return layers
}

function newCell(id: string, layer: number, { room, length }: Pick<Cell, 'room' | 'length'>): Cell {
  return { id, layer, room, length, before: [], after: [], order: 0, across: 0 }
}

/** Order each layer by the middle of its neighbours, to and fro. */
function sweep(rows: readonly Cell[][]): void {
  for (const row of rows) number(row)
  for (let round = 0; round < SWEEPS; round++) {
    const isForth = round % 2 === 0
    for (const row of isForth ? rows : rows.toReversed()) {
      const middles = new Map(
        row.map(cell => [cell, middleOf(isForth ? cell.before : cell.after, cell.order)]),
      )
      row.sort((a, b) => (middles.get(a) ?? 0) - (middles.get(b) ?? 0) || a.order - b.order)
      number(row)
    }
  }
}

function number(row: readonly Cell[]): void {
  // As a share of the layer: the middle of a long layer and of a short one are the same place.
  row.forEach((cell, index) => {
    cell.order = (index + 0.5) / row.length
  })
}

function middleOf(neighbours: readonly Cell[], otherwise: number): number {
  if (neighbours.length === 0) return otherwise
  return neighbours.reduce((sum, { order }) => sum + order, 0) / neighbours.length
}

/** Move each cell towards the middle of its neighbours, the order and the room of each kept. */
function align(rows: readonly Cell[][]): void {
  for (const row of rows) {
    const wide = row.reduce((sum, { room }) => sum + room, 0)
    let at = -wide / 2
    for (const cell of row) {
      cell.across = at + cell.room / 2
      at += cell.room
    }
  }
  for (let round = 0; round < ALIGNMENTS; round++) {
    const isForth = round % 2 === 0
    for (const row of isForth ? rows : rows.toReversed()) {
      const wanted = row.map(cell => {
        const neighbours = isForth ? cell.before : cell.after
        if (neighbours.length === 0) return cell.across
        return neighbours.reduce((sum, { across }) => sum + across, 0) / neighbours.length
      })
      settle(row, wanted)
    }
  }
}

type Pool = { sum: number; count: number }

/** The places nearest to those wanted (least squares) that keep the order and the room: neighbours too near pool. */
function settle(row: readonly Cell[], wanted: readonly number[]): void {
  const offsets: number[] = []
  let offset = 0
  row.forEach((cell, index) => {
    const before = row[index - 1]
    offset += before ? (before.room + cell.room) / 2 : 0
    offsets.push(offset)
  })
  const pools: Pool[] = []
  row.forEach((_, index) => {
    let pool: Pool = { sum: (wanted[index] ?? 0) - (offsets[index] ?? 0), count: 1 }
    for (
      let last = pools.at(-1);
      last && last.sum / last.count >= pool.sum / pool.count;
      last = pools.at(-1)
    ) {
      pools.pop()
      pool = { sum: last.sum + pool.sum, count: last.count + pool.count }
    }
    pools.push(pool)
  })
  let index = 0
  for (const { sum, count } of pools)
    for (let n = 0; n < count; n++, index++) {
      const cell = row[index]
      if (cell) cell.across = sum / count + (offsets[index] ?? 0)
    }
}

type Known = { readonly layer: number; readonly across: number; readonly room?: number }

function knownPlaces({ spots, blocks }: Layout): ReadonlyMap<string, Known> {
  return new Map<string, Known>([...spots, ...blocks])
}

/** Leave what is known where it is and put what is new, or has become wider, at the nearest free place. */
function keepPlaces(rows: readonly Cell[][], known: ReadonlyMap<string, Known>): void {
  for (const row of rows) {
    const taken: Cell[] = []
    const added: Cell[] = []
    for (const cell of row) {
      const spot = known.get(cell.id)
      if (spot?.layer === cell.layer && (spot.room ?? cell.room) === cell.room) {
        cell.across = spot.across
        taken.push(cell)
      } else added.push(cell)
    }
    taken.sort((a, b) => a.across - b.across)
    for (const cell of added) {
      const { before } = cell
      const wanted =
        before.length > 0 ? before.reduce((sum, { across }) => sum + across, 0) / before.length : 0
      cell.across = freePlace(taken, cell.room, wanted)
      const index = taken.findIndex(({ across }) => across > cell.across)
      taken.splice(index < 0 ? taken.length : index, 0, cell)
    }
  }
}

function freePlace(taken: readonly Cell[], room: number, wanted: number): number {
  let best = Number.POSITIVE_INFINITY
  let free = Number.NEGATIVE_INFINITY // from where on
  for (const cell of [...taken, null]) {
    const until = cell ? cell.across - (cell.room + room) / 2 : Number.POSITIVE_INFINITY
    if (until >= free) {
      const place = Math.min(until, Math.max(free, wanted))
      if (Math.abs(place - wanted) < Math.abs(best - wanted)) best = place
    }
    if (cell) free = cell.across + (cell.room + room) / 2
  }
  return best
}

function drawn(
  cells: ReadonlyMap<string, Cell>,
  rows: readonly (readonly Cell[])[],
  lanes: readonly { edge: Edge; cells: readonly Cell[] }[],
  grids: readonly Grid[],
  options: LayoutOptions,
): Layout {
  const { along, across, gapAlong, gapAcross: gap } = options
  const begins: number[] = []
  const ends: number[] = []
  rows.forEach((row, layer) => {
    const begin = layer === 0 ? 0 : (ends[layer - 1] ?? 0) + gapAlong
    begins.push(begin)
    ends.push(row.reduce((end, { length }) => Math.max(end, begin + length), begin + along))
  })
  const spots = new Map<string, Spot>()
  const blocks = new Map<string, Block>()
  const members = new Map(grids.map(({ id, members }) => [id, members]))
  let [least, most] = [0, 0]
  for (const [id, { layer, room, length, across: middle }] of cells) {
    const begin = begins[layer] ?? 0
    const spot = { along: begin + length / 2, across: middle, layer }
    least = Math.min(least, middle - (room - gap) / 2)
    most = Math.max(most, middle + (room - gap) / 2)
    const inside = members.get(id)
    if (!inside) {
      spots.set(id, spot)
      continue
    }
    blocks.set(id, { ...spot, length, room })
    const { lanes } = shapeOf(inside.length, options)
    inside.forEach((member, index) => {
      const lane = (index % lanes) - (lanes - 1) / 2
      spots.set(member, {
        along: begin + PADDING_PX + Math.floor(index / lanes) * (along + gap) + along / 2,
        across: middle + lane * (across + gap),
        layer,
      })
    })
  }
  /** Within a layer an edge runs straight past what is longer; it begins and ends at its nodes. */
  const runOf = ({ layer, length, across }: Cell, index: number, { length: count }: readonly Cell[]): Run => {
    const [begin, end] = [begins[layer] ?? 0, ends[layer] ?? 0]
    if (index === 0) return { across, begin: begin + length, end }
    return { across, begin, end: index === count - 1 ? begin : end }
  }
  return {
    ...{ spots, blocks },
    routes: lanes.map(({ edge, cells }) => ({ ...edge, runs: cells.map(runOf) })),
    from: { along: 0, across: least },
    to: { along: ends.at(-1) ?? along, across: most },
  }
}
