/**
 * A layered layout: longest-path layers, dummy nodes where an edge crosses layers, barycentre sweeps for the order,
 * and places that lie as near to their neighbours as the order allows.
 *
 * `along` runs from layer to layer, `across` within one. A layout made from an earlier one leaves known nodes where
 * they are. Deterministic; cycles are cut at the edge that goes back to the earliest node.
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
export type Route = { readonly from: string; readonly to: string; readonly points: readonly Point[] }
export type Layout = {
  /** Middle of each node. */
  readonly spots: ReadonlyMap<string, Spot>
  readonly routes: readonly Route[]
  readonly from: Point
  readonly to: Point
}
type Edge = { readonly from: string; readonly to: string }

const SWEEPS = 8
const ALIGNMENTS = 6
/** Room of an edge that passes through a layer. */
const LANE_PX = 16

type Cell = {
  readonly id: string
  readonly layer: number
  readonly room: number
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
): Layout {
  const layers = layersOf(ids, edges)
  const room = options.across + options.gapAcross
  const cells = new Map(ids.map(id => [id, newCell(id, layers.get(id) ?? 0, room)]))
  const lanes: { edge: Edge; cells: Cell[] }[] = []
  const rows: Cell[][] = []
  const place = (cell: Cell) => {
    rows[cell.layer] ??= []
    rows[cell.layer]?.push(cell)
  }
  for (const cell of cells.values()) place(cell)
  for (const edge of edges) {
    const [from, to] = [cells.get(edge.from), cells.get(edge.to)]
    if (!from || !to || from.layer >= to.layer) continue
    const lane = [from]
    for (let layer = from.layer + 1; layer < to.layer; layer++) {
      const dummy = newCell(`${edge.from}>${edge.to}@${layer}`, layer, LANE_PX)
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
  const known = previous?.spots
  if (known && ids.some(id => known.has(id))) keepPlaces(rows, known)
  else {
    sweep(rows)
    align(rows)
  }
  return drawn(cells, lanes, options)
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

function newCell(id: string, layer: number, room: number): Cell {
  return { id, layer, room, before: [], after: [], order: 0, across: 0 }
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

type Block = { sum: number; count: number }

/** The places nearest to those wanted (least squares) that keep the order and the room: neighbours too near pool. */
function settle(row: readonly Cell[], wanted: readonly number[]): void {
  const offsets: number[] = []
  let offset = 0
  row.forEach((cell, index) => {
    const before = row[index - 1]
    offset += before ? (before.room + cell.room) / 2 : 0
    offsets.push(offset)
  })
  const blocks: Block[] = []
  row.forEach((_, index) => {
    let block: Block = { sum: (wanted[index] ?? 0) - (offsets[index] ?? 0), count: 1 }
    for (
      let last = blocks.at(-1);
      last && last.sum / last.count >= block.sum / block.count;
      last = blocks.at(-1)
    ) {
      blocks.pop()
      block = { sum: last.sum + block.sum, count: last.count + block.count }
    }
    blocks.push(block)
  })
  let index = 0
  for (const { sum, count } of blocks)
    for (let n = 0; n < count; n++, index++) {
      const cell = row[index]
      if (cell) cell.across = sum / count + (offsets[index] ?? 0)
    }
}

/** Leave what is known where it is and put what is new at the nearest free place. */
function keepPlaces(rows: readonly Cell[][], known: ReadonlyMap<string, Spot>): void {
  for (const row of rows) {
    const taken: Cell[] = []
    const added: Cell[] = []
    for (const cell of row) {
      const spot = known.get(cell.id)
      if (spot?.layer === cell.layer) {
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
  lanes: readonly { edge: Edge; cells: readonly Cell[] }[],
  { along, across, gapAlong }: LayoutOptions,
): Layout {
  const pointOf = ({ layer, across }: Cell) => ({ along: layer * (along + gapAlong) + along / 2, across })
  const spots = new Map<string, Spot>()
  let [least, most, last] = [0, 0, 0]
  for (const [id, cell] of cells) {
    const spot = { ...pointOf(cell), layer: cell.layer }
    spots.set(id, spot)
    least = Math.min(least, spot.across)
    most = Math.max(most, spot.across)
    last = Math.max(last, spot.along)
  }
  return {
    spots,
    routes: lanes.map(({ edge, cells }) => ({ ...edge, points: cells.map(pointOf) })),
    from: { along: 0, across: least - across / 2 },
    to: { along: last + along / 2, across: most + across / 2 },
  }
}
