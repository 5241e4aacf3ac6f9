/**
 * A view of a log of any length: a native scroller, a sticky pane, and only the rows on screen, reused.
 *
 * Where the view stands is an anchor (line and offset), not a sum of pixels, so wrapped lines need no index of heights
 * and the log may be longer than a browser can make an element. Knows no React and no feed.
 */

import type { LogSource } from './chunks'
import { LogRow } from './logRow'

/** Firefox gives up sticky positions past 8,947,848 px and heights past 17.9M; Chromium clamps at 33.5M. */
export const SPACER_CAP_PX = 8_000_000
/** While more than a screen of lines comes with each paint, the eye follows none of them: paint less often. */
const FLOOD_MS = 66
const PAUSED_MS = 250
/** Below the last line, so that a horizontal scroll bar does not lie on it. */
const ROOM_PX = 12
/** Height assumed where there is no layout. */
const DEFAULT_HEIGHT = 400

export type LogViewOptions = {
  rowHeight?: number
  label?: string
  onFollow?: (following: boolean) => void
}

export class LogView {
  readonly #scroller = div('scroller')
  readonly #pane = div('pane')
  readonly #box = div('box')
  readonly #spacer = div('spacer')
  readonly #rowHeight: number
  readonly #onFollow: (following: boolean) => void
  readonly #observer: ResizeObserver | null
  readonly #heights = new Map<number, number>()
  #source: LogSource
  #pool: LogRow[] = []
  #probe: LogRow | null = null
  #paneHeight = DEFAULT_HEIGHT
  /** What of the pane is for lines. */
  #height = DEFAULT_HEIGHT
  #line = 0
  #offset = 0
  #following = true
  #wrap = false
  #frame = 0
  #moved = true
  #paintedAt = 0
  #paintedCount = 0
  #spacerHeight = -1
  /** Scroll position written by us: its scroll event is no act of the reader. */
  #ownScroll = -1

  constructor(root: HTMLElement, source: LogSource, options: LogViewOptions = {}) {
    this.#source = source
    this.#rowHeight = options.rowHeight ?? 20
    this.#onFollow = options.onFollow ?? (() => {})
    this.#scroller.tabIndex = 0
    this.#scroller.setAttribute('role', 'log')
    // Announcing every line would drown a screen reader; status changes have a region of their own.
    this.#scroller.setAttribute('aria-live', 'off')
    this.#scroller.setAttribute('aria-label', options.label ?? 'Log')
    // Long lines scroll sideways in here, by keyboard too.
    this.#pane.tabIndex = 0
    this.#pane.setAttribute('role', 'group')
    this.#pane.setAttribute('aria-label', 'Lines')
    this.#pane.append(this.#box)
    this.#scroller.append(this.#pane, this.#spacer)
    root.append(this.#scroller)
    this.#scroller.addEventListener('scroll', this.#onScroll, { passive: true })
    this.#scroller.addEventListener('wheel', this.#onWheel, { passive: false })
    this.#scroller.addEventListener('keydown', this.#onKey)
    this.#box.addEventListener('pointerdown', this.#onPointer)
    this.#observer = typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(() => this.#resize())
    this.#observer?.observe(this.#scroller)
    this.#resize()
    this.#paint()
  }

  get following(): boolean {
    return this.#following
  }

  /** Index of the first line shown. */
  get firstLine(): number {
    return this.#line
  }

  /** The source grew; painted in the next frame, or 15 times a second under a flood. */
  changed(): void {
    this.#schedule(false)
  }

  /** Show other lines, as a filter does. */
  setSource(source: LogSource): void {
    this.#source = source
    this.#forget()
    if (!this.#following) this.#moveTo(0)
    this.#schedule(true)
  }

  setFollow(following: boolean): void {
    if (following !== this.#following) {
      this.#following = following
      this.#onFollow(following)
    }
    if (following) this.#schedule(true)
  }

  setWrap(wrap: boolean): void {
    if (wrap === this.#wrap) return
    this.#wrap = wrap
    this.#scroller.classList.toggle('headway-log__scroller--wrap', wrap)
    this.#forget()
    for (const row of this.#pool) {
      row.element.style.transform = ''
      row.element.style.order = ''
    }
    this.#offset = 0
    this.#ownScroll = -1
    this.#schedule(true)
  }

  /** Bring a line to the middle; following ends. */
  scrollToLine(index: number): void {
    this.setFollow(false)
    if (this.#wrap) {
      this.#line = index
      this.#offset = 0
    } else this.#moveTo(index * this.#rowHeight - this.#height / 2 + this.#rowHeight / 2)
    this.#schedule(true)
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame)
    this.#observer?.disconnect()
    this.#scroller.remove()
  }

  get #total(): number {
    return this.#source.count * this.#rowHeight
  }

  /** The scroll bar is exact; else it is proportional, and wheel and keys move the anchor themselves. */
  get #exact(): boolean {
    return !this.#wrap && this.#total <= SPACER_CAP_PX
  }

  get #maxTop(): number {
    return Math.max(0, this.#total - this.#height)
  }

  #resize(): void {
    this.#paneHeight = this.#scroller.clientHeight || DEFAULT_HEIGHT
    this.#height = Math.max(this.#rowHeight, this.#paneHeight - ROOM_PX)
    this.#heights.clear()
    this.#schedule(true)
  }

  #forget(): void {
    this.#heights.clear()
    for (const row of this.#pool) row.forget()
  }

  #moveTo(top: number): void {
    const px = Math.max(0, Math.min(this.#maxTop, top))
    this.#line = Math.floor(px / this.#rowHeight)
    this.#offset = px - this.#line * this.#rowHeight
  }

  #schedule(now: boolean): void {
    if (now) this.#moved = true
    if (!this.#frame) this.#frame = requestAnimationFrame(this.#tick)
  }

  #tick = (time: number): void => {
    this.#frame = 0
    const fresh = this.#source.count - this.#paintedCount
    const flood = this.#following && fresh > this.#height / this.#rowHeight
    const pause = this.#following ? (flood ? FLOOD_MS : 0) : PAUSED_MS
    if (!this.#moved && time - this.#paintedAt < pause) {
      this.#frame = requestAnimationFrame(this.#tick)
      return
    }
    this.#paintedAt = time
    this.#paint()
  }

  #onScroll = (): void => {
    const y = this.#scroller.scrollTop
    if (Math.abs(y - this.#ownScroll) < 2) return
    this.#ownScroll = y
    const span = Math.max(1, this.#spacerHeight)
    if (this.#wrap) {
      this.#line = Math.round((y / span) * Math.max(0, this.#source.count - 1))
      this.#offset = 0
    } else this.#moveTo(this.#exact ? y : (y / span) * this.#maxTop)
    this.setFollow(y >= span - 2)
    this.#schedule(true)
  }

  #onWheel = (event: WheelEvent): void => {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY)
    if (this.#exact || event.ctrlKey || sideways) {
      if (event.deltaY < 0 && !event.ctrlKey && !sideways) this.setFollow(false)
      return
    }
    event.preventDefault()
    this.#moveBy(event.deltaMode === 1 ? event.deltaY * this.#rowHeight : event.deltaY)
  }

  #onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const page = this.#height - this.#rowHeight
    const moves: Record<string, () => void> = {
      End: () => this.setFollow(true),
      G: () => this.setFollow(true),
      Home: () => this.#toStart(),
      g: () => this.#toStart(),
      PageDown: () => this.#moveBy(page),
      PageUp: () => this.#moveBy(-page),
      ArrowDown: () => this.#moveBy(this.#rowHeight),
      ArrowUp: () => this.#moveBy(-this.#rowHeight),
    }
    const move = moves[event.key]
    if (!move) return
    event.preventDefault()
    move()
  }

  /** The reader takes hold of a line: it must not run away. */
  #onPointer = (event: PointerEvent): void => {
    if (event.button === 0) this.setFollow(false)
  }

  #toStart(): void {
    this.setFollow(false)
    this.#line = 0
    this.#offset = 0
    this.#schedule(true)
  }

  #moveBy(distance: number): void {
    if (this.#wrap) return this.#moveWrapped(distance)
    const before = this.#following ? this.#maxTop : this.#line * this.#rowHeight + this.#offset
    this.#moveTo(before + distance)
    this.setFollow(distance > 0 && before + distance >= this.#maxTop - 1)
    this.#schedule(true)
  }

  #moveWrapped(distance: number): void {
    const count = this.#source.count
    if (this.#following) this.#anchorAtEnd()
    let line = this.#line
    let px = this.#offset + distance
    while (px < 0 && line > 0) px += this.#heightOf(--line)
    px = Math.max(0, px)
    while (line < count - 1 && px >= this.#heightOf(line)) px -= this.#heightOf(line++)
    let below = -px
    for (let next = line; next < count && below < this.#height; next++) below += this.#heightOf(next)
    this.#line = line
    this.#offset = px
    this.setFollow(distance > 0 && below <= this.#height)
    this.#schedule(true)
  }

  #anchorAtEnd(): void {
    let line = this.#source.count
    let px = 0
    while (line > 0 && px < this.#height) px += this.#heightOf(--line)
    this.#line = line
    this.#offset = Math.max(0, px - this.#height)
  }

  /** Height of one wrapped line; only lines near the anchor are ever measured. */
  #heightOf(index: number): number {
    const known = this.#heights.get(index)
    if (known !== undefined) return known
    if (!this.#probe) {
      this.#probe = new LogRow()
      this.#probe.element.classList.add('headway-log__probe')
      this.#pane.append(this.#probe.element)
    }
    this.#probe.show(index, this.#source.line(index))
    const height = this.#probe.element.offsetHeight || this.#rowHeight
    if (this.#heights.size > 5_000) this.#heights.clear()
    this.#heights.set(index, height)
    return height
  }

  #paint(): void {
    this.#moved = false
    this.#paintedCount = this.#source.count
    const real = Math.max(this.#height, Math.min(this.#total, SPACER_CAP_PX))
    this.#pane.style.height = `${this.#paneHeight}px`
    if (real - this.#height !== this.#spacerHeight) {
      this.#spacerHeight = real - this.#height
      this.#spacer.style.height = `${this.#spacerHeight}px`
    }
    if (this.#wrap) this.#paintWrapped()
    else this.#paintRows()
  }

  #paintRows(): void {
    const top = this.#line * this.#rowHeight + this.#offset
    if (this.#following || top > this.#maxTop) this.#moveTo(this.#maxTop)
    this.#show(this.#line, (row, position) => {
      row.element.style.transform = `translateY(${position * this.#rowHeight}px)`
    })
    this.#box.style.transform = this.#offset ? `translateY(${-this.#offset}px)` : ''
    const px = this.#line * this.#rowHeight + this.#offset
    this.#scrollBar(this.#exact ? px : this.#maxTop ? (px / this.#maxTop) * this.#spacerHeight : 0)
  }

  #paintWrapped(): void {
    if (this.#following) this.#anchorAtEnd()
    this.#line = Math.max(0, Math.min(this.#line, this.#source.count - 1))
    this.#show(this.#line, (row, position) => {
      row.element.style.order = String(position)
    })
    this.#box.style.transform = this.#offset ? `translateY(${-this.#offset}px)` : ''
    const last = Math.max(1, this.#source.count - 1)
    this.#scrollBar(this.#following ? this.#spacerHeight : (this.#line / last) * this.#spacerHeight)
  }

  /** Show the lines from `first` on; a line keeps its row while it stays on screen, so a small step draws one row. */
  #show(first: number, place: (row: LogRow, position: number) => void): void {
    const size = Math.ceil(this.#height / this.#rowHeight) + 2
    while (this.#pool.length < size) this.#grow()
    for (let position = 0; position < this.#pool.length; position++) {
      const index = first + position
      const row = this.#pool[index % this.#pool.length]
      if (!row) continue
      if (position >= size || index >= this.#source.count) {
        row.hide()
        continue
      }
      if (row.index !== index) row.show(index, this.#source.line(index))
      if (row.place !== position) {
        row.place = position
        place(row, position)
      }
    }
  }

  #grow(): void {
    const row = new LogRow()
    this.#pool.push(row)
    this.#box.append(row.element)
  }

  #scrollBar(wanted: number): void {
    if (Math.abs(Math.round(wanted) - this.#ownScroll) < 1) return
    this.#scroller.scrollTop = Math.round(wanted)
    this.#ownScroll = this.#scroller.scrollTop
  }
}

function div(name: string): HTMLElement {
  const element = document.createElement('div')
  element.className = `headway-log__${name}`
  return element
}
