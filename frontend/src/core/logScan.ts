/**
 * Looks through a whole log for a selection: what is held in slices that leave the page responsive, the rest by the
 * server's search, newest first.
 */

import type { Found, LogSelection } from './logSelection'

const SLICE_MS = 8
/** A reader who types asks for something else a moment later; what is held is searched at once all the same. */
const TYPING_MS = 250
/** Asked of the server at once: 262,144 lines. */
const ASKED_CHUNKS = 64

/** What the server's search says of the chunks from `first` up to, without it, `next`. */
export type Answer = { readonly next: number; readonly found: ReadonlyMap<number, Found> }
/** Ask the server for the matches of the chunks `first` up to, without it, `to`. */
export type AskServer = (first: number, to: number, signal: AbortSignal) => Promise<Answer>

export type ScanState = { readonly searching: boolean; readonly failed: string | null }

/** How the scan waits; injected in tests. */
export type ScanClock = { now(): number; later(callback: () => void, ms: number): void }

const browserClock: ScanClock = {
  now: () => performance.now(),
  later: (callback, ms) => {
    if (ms > 0) setTimeout(callback, ms)
    else soon(callback)
  },
}

/** After what waits already, as input and painting: a timer within timers would wait for 4 ms and more. */
function soon(callback: () => void): void {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    callback()
  }
  port2.postMessage(null)
}

export class LogScan {
  state: ScanState = { searching: true, failed: null }
  readonly #selection: LogSelection
  readonly #ask: AskServer | null
  readonly #onProgress: () => void
  readonly #clock: ScanClock
  readonly #abort = new AbortController()
  #running = false
  #again = false
  #asked = false

  /** @param ask `null` where there is no server to ask: then what is held is all there is */
  constructor(
    selection: LogSelection,
    ask: AskServer | null,
    onProgress: () => void,
    clock: ScanClock = browserClock,
  ) {
    this.#selection = selection
    this.#ask = ask
    this.#onProgress = onProgress
    this.#clock = clock
  }

  /** The log grew, or more of it is held. */
  changed(): void {
    if (this.#running) this.#again = true
    else if (!this.#abort.signal.aborted) void this.#run()
  }

  /** Ask again for what could not be searched. */
  retry(): void {
    this.state = { ...this.state, failed: null }
    this.changed()
  }

  stop(): void {
    this.#abort.abort()
  }

  async #run(): Promise<void> {
    this.#running = true
    this.#again = false
    const { signal } = this.#abort
    while (!signal.aborted && (this.#slice() || (await this.#askServer(signal)))) {
      this.#onProgress()
      await this.#pause(0)
    }
    this.#running = false
    if (signal.aborted) return
    this.state = { ...this.state, searching: false }
    this.#onProgress()
    if (this.#again) this.changed()
  }

  #slice(): boolean {
    const until = this.#clock.now() + SLICE_MS
    return this.#selection.advance(() => this.#clock.now() > until)
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => this.#clock.later(resolve, ms))
  }

  /** @returns whether the server was asked and answered. */
  async #askServer(signal: AbortSignal): Promise<boolean> {
    const run = this.#ask && this.state.failed === null ? this.#selection.unknown(ASKED_CHUNKS) : null
    if (!run || !this.#ask) return false
    this.state = { searching: true, failed: null }
    this.#onProgress()
    if (!this.#asked) await this.#pause(TYPING_MS)
    if (signal.aborted) return false
    this.#asked = true
    try {
      let first = run.first
      while (first < run.to) {
        const { next, found } = await this.#ask(first, run.to, signal)
        if (signal.aborted) return false
        for (let chunk = first; chunk < next; chunk++)
          this.#selection.found(chunk, found.get(chunk) ?? { messages: 0, lines: [] })
        if (next <= first) throw new Error('the server did not get any further')
        first = next
      }
      return true
    } catch (error) {
      if (!signal.aborted)
        this.state = { ...this.state, failed: error instanceof Error ? error.message : String(error) }
      return false
    }
  }
}
