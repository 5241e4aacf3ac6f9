/**
 * When each step ran, waited and was tried again: what a timeline draws and a failure panel reads.
 *
 * The fold keeps where things stand; this keeps how they got there, as far as this page has seen the events. What
 * came before them it has from a snapshot, with one span a step.
 */

import { isKnown, type KnownEvent, type WorkflowExecutionUpdate } from './events'
import type { State, StepState } from './fold'
import { Pace } from './pace'

/** Ended tracks beyond it are forgotten, oldest first. */
export const MAX_TRACKS = 20_000

/** So many of the last log lines of a step are kept until it ends, and beyond where it fails. */
const LAST_LINES = 20

export type SpanKind = 'attempt' | 'backoff' | 'wait' | 'approval'

/** A stretch of time in which one thing went on; `to` is null while it still does. */
export type Span = {
  readonly kind: SpanKind
  readonly from: number
  to: number | null
  /** How an attempt stands or ended: a step's status, `lost` with its worker, or `reused`. */
  status: string
  readonly attempt: number
  /** The error of an attempt; what a wait waits for. */
  note: string | null
}

/** A row of time: a step, or a wait of the workflow's own body. Times are milliseconds since 1970. */
export type Track = {
  readonly id: string
  readonly kind: 'step' | 'wait' | 'approval'
  readonly name: string
  parent: string | null
  status: string
  attempt: number
  readonly started: number
  ended: number | null
  done: number | null
  total: number | null
  unit: string | null
  message: string | null
  error: string | null
  traceback: string | null
  /** What a step that failed was called with: JSON text, or the beginning of it. */
  input: string | null
  /** What a step that failed logged last, as far as this page has seen. */
  lastLines: readonly string[]
  readonly spans: Span[]
  /** Known from a snapshot only, so far. */
  isSketch: boolean
}

type Named = { step: string; step_id: string }
type StepEvent = Extract<KnownEvent, { kind: `step.${string}` }>

/** Mutable, for one owner; `version` counts its changes. */
export class ExecutionHistory {
  readonly tracks = new Map<string, Track>()
  readonly pace = new Pace()
  version = 0
  /** Tracks that had to make room. */
  forgotten = 0
  /** When it was queued, started and ended; NaN before. */
  queuedAt = Number.NaN
  startedAt = Number.NaN
  endedAt = Number.NaN
  readonly #waits = new Map<string, { span: Span; track: Track }>()
  readonly #maxTracks: number
  readonly #lastLines = new Map<string, string[]>()

  /** @param state what is known of the time before the first event, from a snapshot */
  constructor(state?: State, maxTracks = MAX_TRACKS) {
    this.#maxTracks = maxTracks
    if (!state) return
    this.queuedAt = Date.parse(state.queued_at ?? '')
    this.startedAt = Date.parse(state.started_at ?? '')
    this.endedAt = Date.parse(state.ended_at ?? '')
    for (const step of state.steps.values()) this.#sketch(step)
    this.forgotten = Math.max(0, state.counts.steps - state.steps.size)
    this.#sketchWaits(state.waiting)
  }

  /** Whether more is known to have happened before it than it can tell. */
  get isSketchy(): boolean {
    return this.forgotten > 0 || [...this.tracks.values()].some(({ isSketch }) => isSketch)
  }

  /** Whether lines of a log can be told to be this one's: a step that ran itself, not a group, a bundle or a wait. */
  logs(id: string): boolean {
    if (this.tracks.get(id)?.kind !== 'step') return false
    for (const { parent } of this.tracks.values()) if (parent === id) return false
    return true
  }

  /** Put what another history saw of the earlier time in the place of what was only known from a snapshot. */
  absorb(earlier: ExecutionHistory): void {
    const later = new Map(this.tracks)
    this.tracks.clear()
    for (const [id, track] of earlier.tracks) this.tracks.set(id, track)
    for (const [id, track] of later) {
      const before = earlier.tracks.get(id)
      if (before && (track.isSketch || track.kind !== 'step')) takeEnd(before, track)
      else this.tracks.set(id, track)
    }
    for (const [id, open] of this.#waits) {
      const before = earlier.#waits.get(id)
      if (before) this.#waits.set(id, before)
      else if (later.get(open.track.id)?.isSketch) this.#waits.delete(id)
    }
    this.forgotten = earlier.forgotten
    this.version += 1
  }

  /** Note what an update tells; returns whether that changed anything here. */
  apply(update: WorkflowExecutionUpdate): boolean {
    if (!isKnown(update)) return false
    const at = Date.parse(update.timestamp)
    const changed = this.#note(update, at)
    if (changed) this.version += 1
    return changed
  }

  #note(event: KnownEvent, at: number): boolean {
    switch (event.kind) {
      case 'log':
        this.#keepLine(event.data)
        return false
      case 'execution.queued':
        this.queuedAt = at
        return true
      case 'execution.started':
        this.#forgetTries()
        this.startedAt = at
        return true
      case 'execution.resumed':
        if (Number.isNaN(this.startedAt)) this.startedAt = at
        this.#endAll('lost', at)
        return true
      case 'execution.completed':
      case 'execution.failed':
      case 'execution.cancelled':
        this.endedAt = at
        this.#endAll('cancelled', at)
        return true
      case 'wait.started':
        return this.#startWait('wait', event.data.wait_id, event.data, waitName(event.data), at)
      case 'approval.requested':
        return this.#startWait('approval', event.data.approval_id, event.data, event.data.message, at)
      case 'wait.ended':
        return this.#endWait(event.data.wait_id, 'completed', at)
      case 'approval.answered':
        return this.#endWait(event.data.approval_id, event.data.approved ? 'completed' : 'skipped', at)
      default:
        return event.kind.startsWith('step.') && this.#noteStep(event as StepEvent, at)
    }
  }

  #noteStep(event: StepEvent, at: number): boolean {
    switch (event.kind) {
      case 'step.started':
        this.pace.note(at)
        this.#start(event.data, at)
        return true
      case 'step.progressed':
        this.pace.note(at)
        return this.#progress(event.data)
      case 'step.retrying': {
        const { backoff_s, error, attempt } = event.data
        const track = this.#trackOf(event.data, at)
        endSpans(track, 'failed', at, error)
        track.spans.push(newSpan('backoff', at, attempt, `tries again in ${backoff_s.toFixed(1)} s`))
        Object.assign(track, { status: 'retrying', attempt, error, traceback: event.data.traceback ?? null })
        return true
      }
      case 'step.completed':
        this.pace.note(at)
        this.#end(event.data, event.data.reused ? 'reused' : 'completed', at)
        return true
      case 'step.failed': {
        const track = this.#end(event.data, 'failed', at, event.data.error)
        track.error = event.data.error
        track.traceback = event.data.traceback ?? null
        track.input = event.data.input ?? null
        return true
      }
      case 'step.skipped':
        this.#end(event.data, 'skipped', at)
        return true
      case 'step.cancelled':
        this.#end(event.data, 'cancelled', at)
        return true
      default:
        return event satisfies never
    }
  }

  #start(data: Extract<StepEvent, { kind: 'step.started' }>['data'], at: number): void {
    const track = this.#trackOf(data, at)
    if (track.isSketch) track.spans.length = 0
    else endSpans(track, 'lost', at)
    const attempt = data.attempt ?? 1
    Object.assign(track, { status: 'running', ended: null, attempt, isSketch: false })
    track.parent = data.parent ?? track.parent
    track.total = data.total ?? null
    track.unit = data.unit ?? null
    track.message = data.message ?? null
    track.done = null
    track.spans.push(newSpan('attempt', at, attempt))
  }

  #progress(data: Extract<StepEvent, { kind: 'step.progressed' }>['data']): boolean {
    const track = data.step_id === undefined ? undefined : this.tracks.get(data.step_id)
    if (!track) return false
    track.done = data.done ?? track.done
    track.total = data.total ?? track.total
    track.unit = data.unit || track.unit
    track.message = data.message || track.message
    return true
  }

  #end(data: Named, status: string, at: number, note: string | null = null): Track {
    const track = this.#trackOf(data, at)
    if (track.spans.length === 0) track.spans.push(newSpan('attempt', at, track.attempt))
    endSpans(track, status, at, note)
    track.status = status === 'reused' ? 'completed' : status
    if (status === 'failed') track.lastLines = this.#lastLines.get(track.id) ?? []
    this.#lastLines.delete(track.id)
    track.ended = at
    return track
  }

  /** What is open before the start was copied from the execution that this one does over: nobody tried it here. */
  #forgetTries(): void {
    for (const track of this.tracks.values()) if (track.ended === null) track.spans.length = 0
  }

  #endAll(status: string, at: number): void {
    for (const track of this.tracks.values()) {
      if (track.ended !== null) continue
      endSpans(track, status, at)
      if (status !== 'lost' || track.kind !== 'step') Object.assign(track, { status, ended: at })
    }
    this.#waits.clear()
  }

  /** A wait of a step is drawn in its row; one of the workflow's body has a row of its own. */
  #startWait(
    kind: 'wait' | 'approval',
    id: string,
    data: { step_id?: string },
    name: string,
    at: number,
  ): boolean {
    if (this.#waits.has(id)) return false
    const own = data.step_id === undefined ? undefined : this.tracks.get(data.step_id)
    const track = own ?? this.#add(newTrack(`${kind}:${id}`, kind, name, at))
    const span = newSpan(kind, at, track.attempt, name)
    track.spans.push(span)
    this.#waits.set(id, { span, track })
    return true
  }

  #endWait(id: string, status: string, at: number): boolean {
    const open = this.#waits.get(id)
    if (!open) return false
    this.#waits.delete(id)
    Object.assign(open.span, { to: at, status })
    if (open.track.kind !== 'step') Object.assign(open.track, { ended: at, status })
    return true
  }

  #keepLine({ step_id: id, message }: { step_id?: string; message: string }): void {
    if (id === undefined) return
    const lines = this.#lastLines.get(id)
    if (!lines) this.#lastLines.set(id, [message])
    else if (lines.push(message) > LAST_LINES) lines.shift()
  }

  #trackOf({ step_id, step }: Named, at: number): Track {
    return this.tracks.get(step_id) ?? this.#add(newTrack(step_id, 'step', step, at))
  }

  #add(track: Track): Track {
    if (this.tracks.size >= this.#maxTracks) this.#makeRoom()
    const known = this.tracks.get(track.id)
    if (known) return Object.assign(known, { status: 'running', ended: null })
    this.tracks.set(track.id, track)
    return track
  }

  #makeRoom(): void {
    for (const [id, track] of this.tracks) {
      if (track.ended === null) continue
      this.tracks.delete(id)
      this.forgotten += 1
      return
    }
  }

  #sketchWaits({ waits, approvals }: State['waiting']): void {
    for (const wait of waits.values()) {
      const { wait_id: id, wait: kind, name, message, step_id } = wait
      const label = waitName({ wait: kind, ...(name ? { name } : {}), ...(message ? { message } : {}) })
      this.#startWait('wait', id, step_id ? { step_id } : {}, label, Date.parse(wait.since ?? ''))
    }
    for (const approval of approvals.values()) {
      const { approval_id: id, message, step_id, requested_at, answered_at, approved } = approval
      this.#startWait('approval', id, step_id ? { step_id } : {}, message, Date.parse(requested_at ?? ''))
      if (answered_at) this.#endWait(id, approved ? 'completed' : 'skipped', Date.parse(answered_at))
    }
  }

  #sketch(step: StepState): void {
    const { step_id: id, name, parent, status, attempt, done, total, unit, message, error } = step
    const at = Date.parse(step.started_at ?? '')
    const ended = step.ended_at === null ? null : Date.parse(step.ended_at)
    const span = { ...newSpan('attempt', at, attempt, error), to: ended, status }
    this.tracks.set(id, {
      ...newTrack(id, 'step', name, at),
      ...{ parent, status, attempt, ended, done, total, unit, message, error },
      spans: Number.isFinite(at) ? [span] : [],
      isSketch: true,
    })
  }
}

function newSpan(kind: SpanKind, from: number, attempt: number, note: string | null = null): Span {
  return { kind, from, to: null, status: 'running', attempt, note }
}

function newTrack(id: string, kind: Track['kind'], name: string, started: number): Track {
  const unknown = { done: null, total: null, unit: null, message: null, error: null, traceback: null }
  return {
    ...{ id, kind, name, started, parent: null, status: 'running', attempt: 1, ended: null },
    ...unknown,
    input: null,
    lastLines: [],
    spans: [],
    isSketch: false,
  }
}

function endSpans(track: Track, status: string, at: number, note: string | null = null): void {
  for (const span of track.spans) {
    if (span.to !== null) continue
    span.to = at
    span.status = span.kind === 'attempt' ? status : 'completed'
    if (span.kind === 'attempt') span.note = note ?? span.note
  }
}

/** How it went on after the earlier history ended. */
function takeEnd(track: Track, later: Track): void {
  const { status, attempt, ended, done, total, unit, message, error } = later
  Object.assign(track, { status, attempt, ended, done, total, unit, message, error })
  if (later.traceback !== null) track.traceback = later.traceback
  if (later.input !== null) track.input = later.input
  if (later.lastLines.length > 0) track.lastLines = later.lastLines
  if (ended !== null) endSpans(track, status, ended, error)
}

function waitName({ wait, name, message }: { wait: string; name?: string; message?: string }): string {
  if (wait === 'signal') return `signal ${name ?? ''}`.trim()
  return message || wait
}
