/** Which steps failed, as a person wants to go through them. */

import type { ChunkedLog } from './chunks'
import type { ExecutionHistory, Track } from './history'
import { CHUNK_LINES, levelRank } from './logChunk'
import type { Summary } from './store'

export type Failure = {
  /** Null where the workflow's own body failed. */
  readonly stepId: string | null
  readonly name: string
  readonly error: string
  readonly traceback: string | null
  readonly attempt: number
  readonly tookMs: number | null
  /** What the step was called with: JSON text, or the beginning of it. */
  readonly input: string | null
  readonly lastLines: readonly string[]
}

/** The failures in the order in which they came; a group that failed because of an item is left to the item. */
export function failuresOf({ tracks }: ExecutionHistory, summary: Summary): Failure[] {
  const failed = [...tracks.values()].filter(({ status, kind }) => status === 'failed' && kind === 'step')
  const blamed = new Set(failed.map(({ parent }) => parent))
  const failures = failed
    .filter(({ id }) => !blamed.has(id))
    .toSorted((a, b) => (a.ended ?? 0) - (b.ended ?? 0))
    .map(track => failureOf(track, summary))
  if (summary.status !== 'failed' || failures.some(({ stepId }) => stepId === summary.step_id))
    return failures
  return isAbout(summary, failures) ? failures : [...failures, ofExecution(summary)]
}

/** Which of them ended the execution: where a reader begins. */
export function decisive(failures: readonly Failure[], { step_id, error }: Summary): number {
  const blamed = failures.findIndex(({ stepId }) => stepId !== null && stepId === step_id)
  if (blamed >= 0) return blamed
  const same = failures.findLastIndex(failure => failure.error === error)
  return same >= 0 ? same : failures.length - 1
}

/** So many messages at the end of the log are looked through for the line of a failure. */
const LOOKED_THROUGH = 50_000

/** The message that tells of a step's failure, by its number: its last error, else its last line; of what is held. */
export function lineOfFailure(log: ChunkedLog, stepId: string): number | null {
  let last: number | null = null
  const least = Math.max(0, log.messages - LOOKED_THROUGH)
  for (let number = log.chunks - 1; number >= 0 && (number + 1) * CHUNK_LINES > least; number--) {
    const held = log.held(number)
    if (!held) break
    for (let place = held.chunk.messages - 1; place >= 0; place--) {
      if (held.chunk.step(place) !== stepId) continue
      const line = number * CHUNK_LINES + held.from + place + 1
      if (held.chunk.level(place) >= levelRank('ERROR')) return line
      last ??= line
    }
  }
  return last
}

function failureOf(track: Track, summary: Summary): Failure {
  const { id, name, error, traceback, attempt, started, ended, input, lastLines } = track
  // The execution's own traceback tells the way from the workflow to the step, too.
  const whole = summary.status === 'failed' && summary.step_id === id ? summary.traceback : null
  return {
    stepId: id,
    name,
    error: error ?? 'failed',
    traceback: whole ?? traceback,
    attempt,
    tookMs: ended === null ? null : ended - started,
    input,
    lastLines,
  }
}

/** The error of the execution is that of a step, which the workflow let pass. */
function isAbout({ error }: Summary, failures: readonly Failure[]): boolean {
  return failures.some(failure => failure.error === error)
}

function ofExecution({ step, step_id, error, traceback, attempt, workflow_id }: Summary): Failure {
  return {
    stepId: step_id,
    name: step ?? workflow_id,
    error: error ?? 'failed',
    traceback,
    attempt: step_id === null ? attempt : 1,
    tookMs: null,
    input: null,
    lastLines: [],
  }
}
