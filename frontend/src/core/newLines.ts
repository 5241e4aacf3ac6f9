/** Which lines of a view came before its reader's eyes, and slowly enough to be told apart. Knows no clock. */

/** With more lines a second the eye tells none apart, and marking them would only cost. */
const EYE_PER_SECOND = 30

export class NewLines {
  /** Number of the newest message that was shown or was there before; infinite while none comes live. */
  #newest = Number.POSITIVE_INFINITY
  #rows = 0
  #grewAt = Number.NEGATIVE_INFINITY
  /** The reader followed at the last paint, too: else lines have come that he did not see. */
  #isFollowed = false
  #areMarked = false

  /** From now on messages after this number come as they are written; `null`: they are fetched, or repeated. */
  setLive(after: number | null): void {
    this.#newest = after ?? Number.POSITIVE_INFINITY
  }

  /** Other lines are shown, by a filter or without it: none of them is new for that. */
  restart(rows: number): void {
    this.#rows = rows
  }

  /** @param mostRows of one screen; `time` in milliseconds of any clock */
  beginPaint(rows: number, mostRows: number, time: number, following: boolean): void {
    const grown = rows - this.#rows
    const follows = following && this.#isFollowed
    this.#rows = rows
    this.#isFollowed = following
    if (grown <= 0) return
    const perSecond = (grown / Math.max(1, time - this.#grewAt)) * 1_000
    this.#grewAt = time
    this.#areMarked = follows && grown <= mostRows && perSecond <= EYE_PER_SECOND
  }

  isNew(number: number): boolean {
    return this.#areMarked && number > this.#newest
  }

  /** Of a view that follows. @param newest number of the last message there is to show */
  endPaint(newest: number): void {
    this.#newest = Math.max(this.#newest, newest)
    this.#areMarked = false
  }
}
