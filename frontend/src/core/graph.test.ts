import { describe, expect, it } from 'vitest'
import { aTrack, forestOf, planned } from '../../test/tracks'
import { type Graph, graphOf } from './graph'
import type { Track } from './history'

const edgesOf = ({ edges }: Graph) => edges.map(({ from, to }) => `${from} > ${to}`).toSorted()
const ran = (id: string, started: number, ended: number | null, more: Partial<Track> = {}) =>
  aTrack(id, { started, ended, ...more })
const NONE = new Map<string, boolean>()

describe('a declared plan', () => {
  const plan = [
    planned('fetch'),
    planned('load', 'fetch'),
    planned('check', 'fetch'),
    planned('report', 'load', 'check'),
  ]

  it('is there from the start, and its nodes stay the same when they begin', () => {
    const before = graphOf(forestOf([], plan), plan, NONE)
    const after = graphOf(forestOf([ran('fetch#1', 0, 5)], plan), plan, NONE)
    expect(before.nodes.map(({ key }) => key)).toEqual([
      'plan:fetch',
      'plan:load',
      'plan:check',
      'plan:report',
    ])
    expect(after.nodes.map(({ key }) => key)).toEqual(before.nodes.map(({ key }) => key))
    expect(edgesOf(after)).toEqual(edgesOf(before))
    expect(after.nodes.map(({ branch }) => branch.status)).toEqual([
      'completed',
      'planned',
      'planned',
      'planned',
    ])
  })

  it('is what the edges follow, whatever time says', () => {
    const graph = graphOf(forestOf([ran('load#1', 0, 5), ran('fetch#1', 6, 7)], plan), plan, NONE)
    expect(edgesOf(graph)).toContain('plan:fetch > plan:load')
    expect(edgesOf(graph)).not.toContain('plan:load > plan:fetch')
  })

  it('takes all runs of a step as one node', () => {
    const two = [planned('fetch'), planned('load', 'fetch')]
    const graph = graphOf(forestOf([ran('load#1', 0, 5), ran('load#2', 6, 7)], two), two, NONE)
    expect(graph.nodes.map(({ key }) => key)).toEqual(['plan:fetch', 'plan:load', 'load#1', 'load#2'])
  })

  it('lets in what was not planned, where time puts it', () => {
    const two = [planned('build'), planned('publish', 'build')]
    const asked = ran('approval:go', 10, 20, { kind: 'approval', name: 'Publish?' })
    const graph = graphOf(forestOf([ran('build#1', 0, 9), asked, ran('publish#1', 21, 30)], two), two, NONE)
    expect(edgesOf(graph)).toEqual([
      'approval:go > plan:publish',
      'plan:build > approval:go',
      'plan:build > plan:publish',
    ])
  })
})

describe('without a plan', () => {
  it('what ended before leads to what came next, and nothing further back', () => {
    const tracks = [
      ran('a#1', 0, 1),
      ran('b#1', 2, 3),
      ran('c#1', 2, 5),
      ran('d#1', 6, 7),
      ran('e#1', 8, null),
    ]
    expect(edgesOf(graphOf(forestOf(tracks), [], NONE))).toEqual([
      'a#1 > b#1',
      'a#1 > c#1',
      'b#1 > d#1',
      'c#1 > d#1',
      'd#1 > e#1',
    ])
  })

  it('steps that took no time are a chain', () => {
    const tracks = ['a#1', 'b#1', 'c#1'].map(id => ran(id, 5, 5))
    expect(edgesOf(graphOf(forestOf(tracks), [], NONE))).toEqual(['a#1 > b#1', 'b#1 > c#1'])
  })
})

describe('fan-outs', () => {
  const items = (count: number) =>
    Array.from({ length: count }, (_, n) => ran(`load#${n + 2}`, n, n + 1, { parent: 'load#1' }))

  it('of few items are open: group, items, what follows', () => {
    const graph = graphOf(forestOf([ran('load#1', 0, 9), ...items(2), ran('report#1', 10, 11)]), [], NONE)
    expect(edgesOf(graph)).toEqual([
      'load#1 > load#2',
      'load#1 > load#3',
      'load#2 > report#1',
      'load#3 > report#1',
    ])
  })

  it('above twelve are one node until the reader opens it', () => {
    const forest = forestOf([ran('load#1', 0, 20), ...items(13), ran('report#1', 21, 22)])
    expect(graphOf(forest, [], NONE).nodes.map(({ key }) => key)).toEqual(['load#1', 'report#1'])
    expect(edgesOf(graphOf(forest, [], NONE))).toEqual(['load#1 > report#1'])
    expect(graphOf(forest, [], new Map([['load#1', true]])).nodes).toHaveLength(15)
  })

  it('of many items stand in a grid; one that is open itself stands beside it', () => {
    const inner = ran('row#1', 0, 1, { parent: 'load#4' })
    const forest = forestOf([ran('load#1', 0, 20), ...items(13), inner, ran('report#1', 21, 22)])
    const opened = new Map([['load#1', true]])
    const all = graphOf(forest, [], new Map([...opened, ['load#4', false]])).grids
    expect(all.map(({ id, members }) => [id, members.length])).toEqual([['items:load#1', 13]])
    expect(all[0]?.members).toContain('load#4')
    expect(graphOf(forest, [], opened).grids[0]?.members).not.toContain('load#4')
    expect(graphOf(forest, [], NONE).grids).toEqual([])
  })

  it('of few items stand in a row, with an edge each', () => {
    expect(graphOf(forestOf([ran('load#1', 0, 9), ...items(4)]), [], NONE).grids).toEqual([])
  })

  it('of steps with other names keep their order', () => {
    const inner = [ran('open#1', 1, 2, { parent: 'load#1' }), ran('read#1', 3, 4, { parent: 'load#1' })]
    const graph = graphOf(forestOf([ran('load#1', 0, 9), ...inner, ran('report#1', 10, 11)]), [], NONE)
    expect(edgesOf(graph)).toEqual(['load#1 > open#1', 'open#1 > read#1', 'read#1 > report#1'])
  })
})
