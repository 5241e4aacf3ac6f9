/**
 * The client's rules of simple mode, without I/O: frames in, effects out, over any number of sockets.
 *
 * Each event once and in order: what is had already is dropped, and a gap is asked for again, once.
 */

import { decodeUpdate, InvalidFrame, type WorkflowExecutionUpdate } from './events'

export type PlainEffect =
  /** A frame that is none of a viewer's business came: the server is alive. */
  | { readonly type: 'heard' }
  | { readonly type: 'update'; readonly update: WorkflowExecutionUpdate; readonly begins: boolean }
  /** Events are missing: connect again and ask for what follows `seq`. */
  | { readonly type: 'lost' }
  | { readonly type: 'fault'; readonly error: Error }

/** Events are missing and the server does not have them any more. */
export class MissingEvents extends Error {
  override readonly name = 'MissingEvents'
  constructor(
    readonly after: number,
    readonly before: number,
  ) {
    super(`the events ${after + 1} to ${before - 1} are no longer kept`)
  }
}

export class PlainSession {
  readonly #isPinned: boolean
  #execution: string | null
  #seq: number | null
  /** Frames of this socket that could not be read: each explains one missing seq. */
  #unread = 0
  #gapAfter: number | null = null

  /**
   * @param pinned the one execution to follow; null for a workflow's, one after the other
   * @param seq begin after it; null for wherever the server begins
   */
  constructor(pinned: string | null, seq: number | null) {
    this.#isPinned = pinned !== null
    this.#execution = pinned
    this.#seq = seq
  }

  /** The execution that is followed; null before the first event where none was named. */
  get execution(): string | null {
    return this.#execution
  }

  /** Last seq of `execution` passed on; null where the first one may be any. */
  get seq(): number | null {
    return this.#seq
  }

  /** Go on elsewhere: events of `execution` after `seq` follow next. */
  seek(execution: string, seq: number): void {
    this.#execution = execution
    this.#seq = seq
  }

  /** Another socket has opened. */
  opened(): void {
    this.#unread = 0
  }

  receive(data: unknown): PlainEffect[] {
    try {
      if (typeof data !== 'string') throw new InvalidFrame('a binary frame')
      const update = decodeUpdate(JSON.parse(data))
      return update.seq === undefined ? this.#folded(update) : this.#event(update, update.seq)
    } catch (error) {
      this.#unread += 1
      const invalid = error instanceof InvalidFrame ? error : new InvalidFrame(String(error))
      return [{ type: 'fault', error: invalid }, { type: 'heard' }]
    }
  }

  #event(update: WorkflowExecutionUpdate, seq: number): PlainEffect[] {
    const begins = this.#begins(update)
    if (begins && this.#isPinned && this.#execution !== null) return []
    if (begins) {
      this.#seq = this.#execution === null ? this.#seq : 0
      this.#execution = update.execution_id ?? null
      this.#gapAfter = null
    }
    const last = this.#seq ?? seq - 1
    if (seq <= last) return [{ type: 'heard' }]
    const effects: PlainEffect[] = []
    if (seq - last - 1 > this.#unread) {
      if (this.#gapAfter !== last) {
        this.#gapAfter = last
        this.#seq = last
        return [{ type: 'lost' }]
      }
      effects.push({ type: 'fault', error: new MissingEvents(last, seq) })
    }
    this.#unread = 0
    this.#gapAfter = null
    this.#seq = seq
    return [...effects, { type: 'update', update, begins }]
  }

  #folded(update: WorkflowExecutionUpdate): PlainEffect[] {
    const begins = this.#begins(update)
    if (update.beat) {
      const missed = !begins && update.as_of !== undefined && this.#seq !== null && update.as_of > this.#seq
      if (missed) return [{ type: 'lost' }]
    } else if (update.snapshot && update.as_of !== undefined) {
      this.#execution = update.execution_id ?? this.#execution
      this.#seq = update.as_of
    }
    return [{ type: 'update', update, begins: begins && !update.beat }]
  }

  #begins(update: WorkflowExecutionUpdate): boolean {
    return update.execution_id !== undefined && update.execution_id !== this.#execution
  }
}
