/** The steps as a graph: the whole plan from the start, coloured as it goes; moved, scaled and walked by keys. */

import './Graph.css'
import { type KeyboardEvent, memo, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { PlannedStep } from '../core/events'
import { type Graph as GraphModel, type GraphNode, graphOf } from '../core/graph'
import { type Block, type Layout, layoutGraph, type Point, type Route } from '../core/graphLayout'
import type { HistorySlice } from '../core/store'
import type { Opened } from '../core/timeline'
import { type Plane, usePanZoom, type View } from '../hooks/usePanZoom'
import { useSize } from '../hooks/useSize'
import { useForest, useOpened } from '../hooks/useStepRows'
import { GraphBox } from './GraphBox'
import type { MonitorPane } from './monitorPane'
import { NoSteps } from './NoSteps'

export const BOX = { width: 188, height: 52 }
const GAP = { along: 56, across: 18 }
/** A narrower frame shows the graph from top to bottom. */
const NARROW_PX = 520
/** Above so many nodes only those in view are drawn. */
const CULL_ABOVE = 400

export type GraphProps = {
  slice: HistorySlice
  plan: readonly PlannedStep[]
  now: number
  selected: string | null
  onSelect: (stepId: string | null) => void
}

export const graphView: MonitorPane = {
  id: 'graph',
  label: 'Graph',
  render: ({ history, summary, now, step, selectStep }) => (
    <Graph slice={history} plan={summary.plan} now={now} selected={step} onSelect={selectStep} />
  ),
}

/** Drawn anew by what is told of the steps and by the clock, not by each line of the log. */
export const Graph = memo(function Graph({ slice, plan, now, selected, onSelect }: GraphProps) {
  const frame = useRef<HTMLDivElement>(null)
  const size = useSize(frame)
  const isDown = size.width < NARROW_PX
  const forest = useForest(slice, plan, now)
  const { opened, open } = useOpened(forest, selected)
  const graph = useMemo(() => graphOf(forest, plan, opened), [forest, plan, opened])
  const layout = useLayout(graph, opened, isDown)
  const boxOf = useCallback((point: Point) => boxAt(point, isDown), [isDown])
  const plane = planeOf(layout, isDown)
  const chosen = graph.nodes.find(node => isOf(node, selected))
  const [toggled, setToggled] = useState<string | null>(null)
  const focused = chosen ?? failedIn(graph.nodes, null) ?? graph.nodes[0]
  const focus = focused && layout.spots.get(focused.key)
  const pan = usePanZoom(frame, plane, size, focus ? boxOf(focus) : plane)
  const isMany = graph.nodes.length > CULL_ABOVE
  const shown = isMany
    ? graph.nodes.filter(({ key }) => isInView(layout, key, boxOf, pan.view, size))
    : graph.nodes
  useRevealed(chosen?.key ?? null, layout, boxOf, pan.reveal, frame)
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what the reader opens or closes moves the plane
  useEffect(() => {
    const node = graph.nodes.find(({ branch }) => branch.id === toggled)
    if (!node) return
    const spot = layout.spots.get((failedIn(graph.nodes, node) ?? node).key)
    if (spot) pan.reveal(boxOf(spot))
  }, [toggled, opened])

  const toggle = (node: GraphNode) => {
    open(node.branch.id, !node.open)
    setToggled(node.branch.id)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === '+' || event.key === '=') pan.zoom(1.3)
    else if (event.key === '-') pan.zoom(1 / 1.3)
    else if (event.key === '0') pan.fit()
    else if (event.key.startsWith('Arrow')) {
      const next = neighbour(graph, layout, chosen ?? null, arrowOf(event.key, isDown))
      if (next) onSelect(next.branch.id)
    } else return
    event.preventDefault()
  }
  return (
    <section className="headway-graph" aria-label="Graph" onKeyDown={onKeyDown}>
      <div className="headway-graph__frame" ref={frame}>
        <div className="headway-graph__plane" style={{ transform: transformOf(pan.view) }}>
          {[...layout.blocks].map(([id, block]) => (
            <GridFrame key={id} block={block} isDown={isDown} />
          ))}
          <Edges routes={layout.routes} isDown={isDown} chosen={chosen ? standIn(graph, chosen) : null} />
          {shown.map((node, index) => {
            const spot = layout.spots.get(node.key)
            if (!spot) return null
            return (
              <GraphBox
                key={node.key}
                node={node}
                box={boxOf(spot)}
                now={now}
                selected={node === chosen}
                isTabStop={node === chosen || (!chosen && index === 0)}
                onSelect={() => onSelect(node.branch.id)}
                onToggle={() => toggle(node)}
              />
            )
          })}
        </div>
        {graph.nodes.length === 0 && <NoSteps history={slice.history} />}
      </div>
      <span className="headway-graph__tools">
        <button type="button" aria-label="Zoom out" title="Zoom out (−)" onClick={() => pan.zoom(1 / 1.3)}>
          −
        </button>
        <button
          type="button"
          aria-label="Zoom in"
          title="Zoom in (+, or Ctrl and the wheel)"
          onClick={() => pan.zoom(1.3)}
        >
          +
        </button>
        <button type="button" disabled={pan.isFitted} title="Show all of it (0)" onClick={pan.fit}>
          Fit
        </button>
      </span>
    </section>
  )
})

/** Known nodes stay where they are while the graph grows; what the reader opens or closes is laid out anew. */
function useLayout({ nodes, edges, grids }: GraphModel, opened: Opened, isDown: boolean): Layout {
  const last = useRef<{ layout: Layout; opened: Opened; isDown: boolean } | null>(null)
  const shape = `${nodes.map(({ key }) => key).join(' ')}|${edges.length}`
  // biome-ignore lint/correctness/useExhaustiveDependencies: nodes and edges are made anew at each event; their shape is not
  const layout = useMemo(() => {
    const { current } = last
    const previous = current?.opened === opened && current.isDown === isDown ? current.layout : undefined
    const options = isDown
      ? { along: BOX.height, across: BOX.width, gapAlong: GAP.along * 0.7, gapAcross: GAP.across }
      : { along: BOX.width, across: BOX.height, gapAlong: GAP.along, gapAcross: GAP.across }
    return layoutGraph(
      nodes.map(({ key }) => key),
      edges,
      options,
      previous,
      grids,
    )
  }, [shape, opened, isDown])
  useEffect(() => {
    last.current = { layout, opened, isDown }
  }, [layout, opened, isDown])
  return layout
}

function useRevealed(
  key: string | null,
  layout: Layout,
  boxOf: (point: Point) => Plane,
  reveal: (box: Plane) => void,
  frame: React.RefObject<HTMLElement | null>,
): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new choice moves the plane under the reader
  useEffect(() => {
    const spot = key === null ? undefined : layout.spots.get(key)
    if (!spot) return
    reveal(boxOf(spot))
    // The focus follows where it was among the boxes already, and is taken from nowhere else.
    if (frame.current?.contains(document.activeElement))
      frame.current.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus({ preventScroll: true })
  }, [key])
}

/** Around the items of a fan-out, which its edges lead to and from as one. */
function GridFrame({ block, isDown }: { block: Block; isDown: boolean }) {
  const { along, across, length, room } = block
  const [width, height] = isDown ? [room - GAP.across, length] : [length, room - GAP.across]
  const [x, y] = isDown ? [across, along] : [along, across]
  return (
    <div
      className="headway-graph__grid"
      style={{ transform: `translate(${x - width / 2}px, ${y - height / 2}px)`, width, height }}
    />
  )
}

const Edges = ({
  routes,
  isDown,
  chosen,
}: {
  routes: readonly Route[]
  isDown: boolean
  chosen: string | null
}) => {
  const near = chosen === null ? [] : routes.filter(({ from, to }) => from === chosen || to === chosen)
  const all = useMemo(() => routes.map(route => curve(route, isDown)).join(''), [routes, isDown])
  return (
    <svg className="headway-graph__edges" aria-hidden="true">
      <path d={all} />
      {near.length > 0 && <path d={near.map(route => curve(route, isDown)).join('')} data-near="true" />}
    </svg>
  )
}

/** From the end of the first box, through the lanes, to the start of the last: straight in a layer, bent between. */
function curve({ runs }: Route, isDown: boolean): string {
  const at = (along: number, across: number) => (isDown ? `${across} ${along}` : `${along} ${across}`)
  const parts: string[] = []
  runs.forEach(({ across, begin, end }, index) => {
    const before = runs[index - 1]
    if (before) {
      const bend = (begin - before.end) / 2
      parts.push(`C${at(before.end + bend, before.across)} ${at(begin - bend, across)} ${at(begin, across)}`)
    } else parts.push(`M${at(begin, across)}`)
    if (end > begin) parts.push(`L${at(end, across)}`)
  })
  return parts.join('')
}

function boxAt({ along, across }: Point, isDown: boolean): Plane {
  const [x, y] = isDown ? [across, along] : [along, across]
  return { left: x - BOX.width / 2, top: y - BOX.height / 2, ...BOX }
}

function planeOf({ from, to }: Layout, isDown: boolean): Plane {
  const [along, across] = [to.along - from.along, to.across - from.across]
  return isDown
    ? { left: from.across, top: from.along, width: across, height: along }
    : { left: from.along, top: from.across, width: along, height: across }
}

function transformOf({ x, y, scale }: View): string {
  return `translate(${x}px, ${y}px) scale(${scale})`
}

function isOf({ key, branch }: GraphNode, selected: string | null): boolean {
  return selected !== null && (branch.id === selected || key === selected)
}

/** What an edge leads to: the node, or the grid that it stands in. */
function standIn({ grids }: GraphModel, { key }: GraphNode): string {
  return grids.find(({ members }) => members.includes(key))?.id ?? key
}

/** The first that failed and shows no items of its own: of a node's items, or of all. */
function failedIn(nodes: readonly GraphNode[], group: GraphNode | null): GraphNode | undefined {
  const items = group && new Set(group.open ? group.branch.items.map(({ id }) => id) : [])
  return nodes.find(
    ({ branch, open }) => branch.status === 'failed' && !open && (!items || items.has(branch.id)),
  )
}

function isInView(
  { spots }: Layout,
  key: string,
  boxOf: (point: Point) => Plane,
  { x, y, scale }: View,
  frame: { width: number; height: number },
): boolean {
  const spot = spots.get(key)
  if (!spot) return false
  const { left, top, width, height } = boxOf(spot)
  const [from, to] = [left * scale + x, top * scale + y]
  return (
    from + width * scale > -BOX.width &&
    from < frame.width + BOX.width &&
    to + height * scale > -BOX.height &&
    to < frame.height + BOX.height
  )
}

type Arrow = 'back' | 'on' | 'before' | 'after'

function arrowOf(key: string, isDown: boolean): Arrow {
  const [back, on, before, after] = isDown
    ? ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight']
    : ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']
  if (key === back) return 'back'
  if (key === on) return 'on'
  return key === before || key !== after ? 'before' : 'after'
}

/** To the next in its layer, and in its row of a grid; else along an edge to the nearest node. */
function neighbour(
  { nodes, edges }: GraphModel,
  { spots }: Layout,
  chosen: GraphNode | null,
  arrow: Arrow,
): GraphNode | null {
  const here = chosen && spots.get(chosen.key)
  if (!here) return nodes[0] ?? null
  const side = arrow === 'on' || arrow === 'after' ? 1 : -1
  const away = ({ key }: GraphNode) => {
    const { along, across } = spots.get(key) ?? here
    return { along: along - here.along, across: across - here.across }
  }
  const isBeside = (node: GraphNode) =>
    spots.get(node.key)?.layer === here.layer && Math.sign(away(node).across) === side
  const isNextInGrid = (node: GraphNode) =>
    spots.get(node.key)?.layer === here.layer &&
    away(node).across === 0 &&
    Math.sign(away(node).along) === side
  const isLinked = ({ key }: GraphNode) =>
    edges.some(({ from, to }) =>
      side > 0 ? from === chosen.key && to === key : to === chosen.key && from === key,
    )
  const nearest = (
    isThere: (node: GraphNode) => boolean,
    first: 'along' | 'across',
    then: 'along' | 'across',
  ) =>
    nodes
      .filter(isThere)
      .toSorted(
        (a, b) =>
          Math.abs(away(a)[first]) - Math.abs(away(b)[first]) ||
          Math.abs(away(a)[then]) - Math.abs(away(b)[then]),
      )[0]
  if (arrow === 'before' || arrow === 'after') return nearest(isBeside, 'along', 'across') ?? null
  return nearest(isNextInGrid, 'along', 'across') ?? nearest(isLinked, 'across', 'along') ?? null
}
