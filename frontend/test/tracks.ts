/** Tracks of steps as a page has them, with defaults. */

import type { PlannedStep } from '../src/core/events'
import type { Span, Track } from '../src/core/history'
import { type Branch, stepForest } from '../src/core/stepForest'

export function aSpan(from: number, to: number | null, more: Partial<Span> = {}): Span {
  const status = to === null ? 'running' : 'completed'
  return { kind: 'attempt', from, to, status, attempt: 1, note: null, ...more }
}

/** A step by its id, `name#1`, that ran from 0 to 1. */
export function aTrack(id: string, more: Partial<Track> = {}): Track {
  const name = id.split('#')[0] ?? id
  const blank = {
    done: null,
    total: null,
    unit: null,
    message: null,
    error: null,
    traceback: null,
    input: null,
  }
  return {
    ...{ id, kind: 'step', name, parent: null, status: 'completed', attempt: 1, started: 0, ended: 1 },
    ...blank,
    lastLines: [],
    spans: [aSpan(0, 1)],
    isSketch: false,
    ...more,
  }
}

export function forestOf(tracks: readonly Track[], plan: readonly PlannedStep[] = []): Branch[] {
  return stepForest(new Map(tracks.map(track => [track.id, track])), plan)
}

export function planned(name: string, ...after: string[]): PlannedStep {
  return { name, after, weight: 1 }
}
