import { expect, it } from 'vitest'
import { aTrack, forestOf, planned } from '../../test/tracks'
import { labelsOf, parentsOf, stepsDone } from './stepForest'

const tracksOf = (...tracks: ReturnType<typeof aTrack>[]) => new Map(tracks.map(track => [track.id, track]))
const counts = { steps: 7, steps_completed: 3 }

it('planned steps are counted by their names, and are done when all runs of a name are', () => {
  const plan = [planned('fetch'), planned('load'), planned('report')]
  const tracks = tracksOf(
    aTrack('fetch#1'),
    aTrack('load#1', { status: 'skipped' }),
    aTrack('load#2', { status: 'running' }),
    aTrack('report#1', { parent: 'load#2' }),
  )
  expect(stepsDone(tracks, plan, counts)).toEqual({ done: 1, total: 3 })
})

it('without a plan those that were found are counted, forgotten ones too', () => {
  expect(stepsDone(tracksOf(aTrack('fetch#1')), [], counts)).toEqual({ done: 3, total: 7 })
})

it('what is called alike has its number; what stands alone does not', () => {
  const forest = forestOf([aTrack('tick#1'), aTrack('tick#2'), aTrack('report#1')], [planned('send')])
  expect(labelsOf(forest, null)).toEqual(['tick #1', 'tick #2', 'report', 'send'])
})

it('an item of a group of its name goes by what it says, else by its number', () => {
  const items = forestOf([aTrack('load#2', { message: 'orders.csv' }), aTrack('load#3')])
  expect(labelsOf(items, 'load')).toEqual(['orders.csv', '#3'])
})

it('a step stands in its parents, the nearest first, as far as they are known', () => {
  const tracks = tracksOf(
    aTrack('load#1'),
    aTrack('load#2', { parent: 'load#1' }),
    aTrack('parse#1', { parent: 'load#2' }),
    aTrack('lost#1', { parent: 'gone#1' }),
    aTrack('odd#1', { parent: 'odd#2' }),
    aTrack('odd#2', { parent: 'odd#1' }),
  )
  const above = (id: string) => parentsOf(tracks, id).map(track => track.id)
  expect(above('parse#1')).toEqual(['load#2', 'load#1'])
  expect(['load#1', 'lost#1', 'none'].map(above)).toEqual([[], [], []])
  expect(above('odd#1')).toEqual(['odd#2'])
})
