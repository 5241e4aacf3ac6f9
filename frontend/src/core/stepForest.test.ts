import { expect, it } from 'vitest'
import { aTrack, planned } from '../../test/tracks'
import { stepsDone } from './stepForest'

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
