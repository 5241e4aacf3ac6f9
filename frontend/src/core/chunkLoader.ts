/** Fetches the chunks that a log's view asks for: the newest wish first, few at a time, their neighbours afterwards. */

import type { ChunkedLog } from './chunks'
import type { LogMessage } from './logChunk'

const AT_ONCE = 3
/** Older wishes are forgotten: the reader has scrolled past, or will be drawn again and wish again. */
const WISHES = 8

export type FetchChunk = (chunk: number, signal: AbortSignal) => Promise<readonly LogMessage[]>

export class ChunkLoader {
  readonly #log: ChunkedLog
  readonly #fetch: FetchChunk
  readonly #onChange: () => void
  readonly #abort = new AbortController()
  readonly #loading = new Set<number>()
  #wishes: number[] = []
  #neighbours: number[] = []

  /** @param onChange a chunk has arrived, or could not be fetched */
  constructor(log: ChunkedLog, fetch: FetchChunk, onChange: () => void) {
    this.#log = log
    this.#fetch = fetch
    this.#onChange = onChange
    log.fetchWith(chunk => this.#want(chunk))
  }

  stop(): void {
    this.#abort.abort()
    this.#log.fetchWith(null)
  }

  #want(chunk: number): void {
    if (this.#loading.has(chunk) || this.#wishes.at(-1) === chunk) return
    this.#wishes = [...this.#wishes.filter(one => one !== chunk), chunk].slice(-WISHES)
    // The view asks while it paints: what begins a fetch comes after.
    queueMicrotask(() => this.#next())
  }

  #next(): void {
    while (this.#loading.size < AT_ONCE && !this.#abort.signal.aborted) {
      const wish = this.#wishes.pop()
      const chunk = wish ?? this.#neighbours.pop()
      if (chunk === undefined) return
      const held = this.#log.held(chunk)
      if (this.#loading.has(chunk) || (held && held.from === 0)) continue
      void this.#load(chunk, wish !== undefined)
    }
  }

  async #load(chunk: number, isWish: boolean): Promise<void> {
    const { signal } = this.#abort
    this.#loading.add(chunk)
    try {
      const messages = await this.#fetch(chunk, signal)
      if (signal.aborted) return
      this.#log.arrive(chunk, messages)
      if (isWish) this.#neighbours = [chunk - 1, chunk + 1].filter(one => one >= 0 && one < this.#log.chunks)
    } catch (error) {
      // What nobody has asked for yet may fail in silence.
      if (!signal.aborted && isWish)
        this.#log.fail(chunk, error instanceof Error ? error.message : String(error))
    } finally {
      this.#loading.delete(chunk)
    }
    if (signal.aborted) return
    this.#onChange()
    this.#next()
  }
}
