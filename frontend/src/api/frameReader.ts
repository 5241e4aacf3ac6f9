/** Frames as they came, in order: text as it is, binary ones inflated, which takes the browser a moment. */

import { InvalidFrame } from '../core/events'
import { Inflater } from './inflater'

export type FrameHandlers = {
  onFrame: (frame: string | Uint8Array) => void
  /** A frame is no message; the next one may be. */
  onError: (error: Error) => void
  /** A frame cannot be inflated; those behind it may build on it. */
  onBroken: (error: Error) => void
}

export class FrameReader {
  readonly #handlers: FrameHandlers
  readonly #inflater = new Inflater()
  /** Settled once the frames before are passed on; null while none is waited for. */
  #before: Promise<void> | null = null

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers
  }

  push(data: unknown): void {
    if (this.#before === null && typeof data === 'string') return this.#pass(data)
    // Begins to inflate at once; only passing on waits for its turn.
    const frame = typeof data === 'string' ? Promise.resolve(data) : this.#inflater.read(data)
    const turn = Promise.allSettled([frame, this.#before]).then(([read]) => {
      if (read.status === 'rejected') this.#handlers.onBroken(invalid(read.reason))
      else if (read.value !== null) this.#pass(read.value)
    })
    this.#before = turn
    void turn.then(() => {
      if (this.#before === turn) this.#before = null
    })
  }

  #pass(frame: string | Uint8Array): void {
    try {
      this.#handlers.onFrame(frame)
    } catch (error) {
      this.#handlers.onError(invalid(error))
    }
  }
}

function invalid(error: unknown): Error {
  return error instanceof InvalidFrame ? error : new InvalidFrame(String(error))
}
