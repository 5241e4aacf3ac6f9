import { describe, expect, it } from 'vitest'
import { type Layout, layoutGraph } from './graphLayout'

const OPTIONS = { along: 180, across: 50, gapAlong: 40, gapAcross: 20 }
const edge = (text: string) => {
  const [from = '', to = ''] = text.split('>')
  return { from, to }
}
const layout = (ids: string, edges: string[], previous?: Layout) =>
  layoutGraph(ids.split(' '), edges.map(edge), OPTIONS, previous)
const spot = ({ spots }: Layout, id: string) => {
  const found = spots.get(id)
  if (!found) throw new Error(`no ${id}`)
  return found
}

/** Nodes of one layer do not touch. */
function expectApart({ spots }: Layout): void {
  const layers = new Map<number, number[]>()
  for (const { layer, across } of spots.values()) layers.set(layer, [...(layers.get(layer) ?? []), across])
  for (const places of layers.values()) {
    places.sort((a, b) => a - b)
    for (let n = 1; n < places.length; n++)
      expect((places[n] ?? 0) - (places[n - 1] ?? 0)).toBeGreaterThanOrEqual(70 - 1e-6)
  }
}

describe('layers', () => {
  it('follow the longest way', () => {
    const made = layout('a b c d', ['a>b', 'b>c', 'a>c', 'c>d'])
    expect(['a', 'b', 'c', 'd'].map(id => spot(made, id).layer)).toEqual([0, 1, 2, 3])
    expect(spot(made, 'd').along - spot(made, 'c').along).toBe(220)
  })

  it('are found in a circle too, and for edges from nowhere', () => {
    const made = layout('a b c', ['a>b', 'b>a', 'b>c', 'c>c', 'x>c'])
    expect(['a', 'b', 'c'].map(id => spot(made, id).layer)).toEqual([0, 1, 2])
    expect(made.routes.map(({ from, to }) => `${from}>${to}`)).toEqual(['a>b', 'b>c'])
  })
})

describe('places', () => {
  it('put a node between those it leads to, and a chain on one line', () => {
    const fan = layout('a b c d', ['a>b', 'a>c', 'b>d', 'c>d'])
    expect(spot(fan, 'a').across).toBeCloseTo((spot(fan, 'b').across + spot(fan, 'c').across) / 2)
    expect(spot(fan, 'd').across).toBeCloseTo(spot(fan, 'a').across)
    const chain = layout('a b c', ['a>b', 'b>c'])
    expect(spot(chain, 'c').across).toBe(spot(chain, 'a').across)
  })

  it('undo crossings', () => {
    const made = layout('a b x y', ['a>y', 'b>x'])
    const above = spot(made, 'a').across < spot(made, 'b').across
    expect(spot(made, 'y').across < spot(made, 'x').across).toBe(above)
  })

  it('lead a long edge around the nodes it passes', () => {
    const made = layout('a b c', ['a>b', 'b>c', 'a>c'])
    const long = made.routes.find(({ from, to }) => from === 'a' && to === 'c')
    expect(long?.runs).toHaveLength(3)
    const lane = long?.runs[1]?.across ?? 0
    expect(Math.abs(lane - spot(made, 'b').across)).toBeGreaterThanOrEqual(25)
  })

  it('never touch, in a graph of many', () => {
    const ids = Array.from({ length: 300 }, (_, n) => `n${n}`)
    // Each waits for three earlier ones, picked the same way each time.
    const edges = ids.flatMap((to, n) =>
      [1, 7, 31]
        .filter(back => n >= back)
        .map(back => ({ from: `n${n - ((back * (n % 5)) % n || back)}`, to })),
    )
    expectApart(layoutGraph(ids, edges, OPTIONS))
  })
})

describe('a graph that grows', () => {
  it('leaves known nodes where they are, and lets nothing overlap', () => {
    const before = layout('a b c', ['a>b', 'a>c'])
    const after = layout('a b c d e f', ['a>b', 'a>c', 'a>d', 'b>e', 'c>f'], before)
    for (const id of ['a', 'b', 'c']) expect(spot(after, id)).toEqual(spot(before, id))
    expectApart(after)
    expect(spot(after, 'e').across).toBe(spot(after, 'b').across)
  })

  it('grows in steps to what it would hold at once', () => {
    const ids = Array.from({ length: 40 }, (_, n) => `n${n}`)
    const edges = ids.slice(1).map((to, n) => ({ from: `n${n >> 1}`, to }))
    let made: Layout | undefined
    for (let count = 1; count <= ids.length; count++)
      made = layoutGraph(ids.slice(0, count), edges.slice(0, count - 1), OPTIONS, made)
    if (!made) throw new Error('nothing was made')
    expectApart(made)
    expect([...made.spots].map(([id, { layer }]) => [id, layer])).toEqual(
      [...layoutGraph(ids, edges, OPTIONS).spots].map(([id, { layer }]) => [id, layer]),
    )
  })
})

describe('a grid', () => {
  const many = (count: number, previous?: Layout, more: string[] = []) => {
    const members = Array.from({ length: count }, (_, n) => `i${n}`)
    return layoutGraph(
      ['fetch', 'load', ...members, ...more, 'report'],
      [
        edge('fetch>load'),
        ...[...members, ...more].flatMap(id => [edge(`load>${id}`), edge(`${id}>report`)]),
        edge('fetch>report'),
      ],
      OPTIONS,
      previous,
      [{ id: 'items', members }],
    )
  }
  const boxOf = ({ along, across }: { along: number; across: number }) => ({
    ...{ from: along - OPTIONS.along / 2, to: along + OPTIONS.along / 2 },
    ...{ least: across - OPTIONS.across / 2, most: across + OPTIONS.across / 2 },
  })

  it.each([2, 5, 12, 13, 30, 500])('of %i is about as wide as high, and nothing in it touches', count => {
    const made = many(count, undefined, ['apart'])
    const block = made.blocks.get('items')
    if (!block) throw new Error('no block')
    if (count > 12) expect(Math.max(block.room / block.length, block.length / block.room)).toBeLessThan(2.6)
    const boxes = [...made.spots.values()].map(boxOf)
    boxes.forEach((one, index) => {
      expect(one.from).toBeGreaterThanOrEqual(made.from.along)
      expect(one.to).toBeLessThanOrEqual(made.to.along)
      expect(one.least).toBeGreaterThanOrEqual(made.from.across)
      expect(one.most).toBeLessThanOrEqual(made.to.across)
      const touching = boxes
        .slice(index + 1)
        .filter(
          ({ from, to, least, most }) =>
            one.from < to && from < one.to && one.least < most && least < one.most,
        )
      expect(touching).toEqual([])
    })
  })

  it('stands between what leads to it and what follows, with one edge to each', () => {
    const made = many(30)
    const block = made.blocks.get('items')
    if (!block) throw new Error('no block')
    expect(spot(made, 'load').along).toBeLessThan(block.along - block.length / 2)
    expect(spot(made, 'report').along).toBeGreaterThan(block.along + block.length / 2)
    expect(made.routes.map(({ from, to }) => `${from}>${to}`)).toEqual([
      'fetch>load',
      'load>items',
      'items>report',
      'fetch>report',
    ])
  })

  it('is passed by a long edge, straight along its side', () => {
    const made = many(30)
    const block = made.blocks.get('items')
    const past = made.routes.find(({ from, to }) => from === 'fetch' && to === 'report')?.runs[2]
    if (!block || !past) throw new Error('no edge past the block')
    expect(Math.abs(past.across - block.across)).toBeGreaterThanOrEqual((block.room - OPTIONS.gapAcross) / 2)
    expect([past.begin, past.end]).toEqual([block.along - block.length / 2, block.along + block.length / 2])
  })

  it('leaves its nodes where they are while few are added at its end', () => {
    const before = many(30)
    const after = many(40, before)
    for (const id of ['fetch', 'load', ...Array.from({ length: 30 }, (_, n) => `i${n}`)])
      expect(spot(after, id)).toEqual(spot(before, id))
    expect(spot(after, 'report').across).toBe(spot(before, 'report').across)
  })

  it('that needs another shape takes it without touching what stands beside it', () => {
    const grown = many(200, many(20, undefined, ['apart']), ['apart'])
    const block = grown.blocks.get('items')
    const apart = spot(grown, 'apart')
    if (!block) throw new Error('no block')
    expect(Math.abs(apart.across - block.across)).toBeGreaterThanOrEqual((block.room + 70) / 2 - 1e-6)
  })
})

it('is the same each time', () => {
  const make = () => layout('a b c d e', ['a>c', 'b>c', 'c>d', 'a>e', 'b>d'])
  expect(make()).toEqual(make())
})
