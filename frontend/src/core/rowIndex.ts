/** Where the rows of each chunk begin, over chunks whose sizes change: a prefix sum, renewed from the first change. */

import { lastAtMost } from './logChunk'

export class RowIndex {
  readonly #sizes: number[] = []
  /** `#starts[n]`: rows before chunk n; valid up to and with `#valid`. */
  #starts: number[] = [0]
  #valid = 0

  get chunks(): number {
    return this.#sizes.length
  }

  get count(): number {
    return this.before(this.#sizes.length)
  }

  size(chunk: number): number {
    return this.#sizes[chunk] ?? 0
  }

  set(chunk: number, size: number): void {
    while (this.#sizes.length <= chunk) this.#sizes.push(0)
    if (this.#sizes[chunk] === size) return
    this.#sizes[chunk] = size
    this.#valid = Math.min(this.#valid, chunk)
  }

  /** Rows before a chunk. */
  before(chunk: number): number {
    for (; this.#valid < chunk; this.#valid++)
      this.#starts[this.#valid + 1] = (this.#starts[this.#valid] ?? 0) + (this.#sizes[this.#valid] ?? 0)
    return this.#starts[chunk] ?? 0
  }

  /** The chunk that holds a row; the last of those that begin there, so that empty ones are passed over. */
  chunkOf(row: number): number {
    this.before(this.#sizes.length)
    if (this.#starts.length > this.#sizes.length + 1) this.#starts.length = this.#sizes.length + 1
    return Math.min(lastAtMost(this.#starts, row), this.#sizes.length - 1)
  }
}
