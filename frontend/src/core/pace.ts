/** How often progress comes, so that its absence can be told from its usual pauses. */

const KEPT = 64
/** Fewer than so many pauses say nothing. */
const ENOUGH = 4
/** A shorter silence is worth no word, nor is one that is a few times as long as usual. */
const QUIET_MS = 30_000
const QUIET_FACTOR = 5

export class Pace {
  readonly #pauses: number[] = []
  #count = 0
  /** When the last progress came; NaN before the first. */
  lastAt = Number.NaN

  note(at: number): void {
    if (at > this.lastAt) {
      this.#pauses[this.#count % KEPT] = at - this.lastAt
      this.#count += 1
    }
    if (!(at <= this.lastAt)) this.lastAt = at
  }

  /** The median of the last pauses; null where there were too few. */
  usualMs(): number | null {
    if (this.#pauses.length < ENOUGH) return null
    const sorted = this.#pauses.toSorted((a, b) => a - b)
    return sorted[sorted.length >> 1] ?? null
  }

  /** For how long nothing has come, if that is longer than it should be. */
  silenceMs(now: number): number | null {
    const silence = now - this.lastAt
    const usual = this.usualMs() ?? 0
    return silence > Math.max(QUIET_MS, QUIET_FACTOR * usual) ? silence : null
  }
}
