/**
 * A view of a log of any length: a native scroller, a sticky pane, and only the rows on screen, reused.
 *
 * Where the view stands is an anchor (a line and an offset), not a sum of pixels, so wrapped lines need no index of
 * heights and the log may be longer than a browser can make an element; and the anchor is named by the number of its
 * message, so that it stays where it is while chunks arrive above it. Knows no React and no feed.
 */

import type { LogLine, LogSource } from './chunks'
import { formatExact } from './format'
import { copiedText } from './logCopy'
import { LogRow, PLAIN_LOOK, type RowAct, type RowLook } from './logRow'
import { NewLines } from './newLines'
import { onTouchScroll } from './touchScroll'

/** Firefox gives up sticky positions past 8,947,848 px and heights past 17.9M; Chromium clamps at 33.5M. */
export const SPACER_CAP_PX = 8_000_000
/** While more than a screen of lines comes with each paint, the eye follows none of them: paint less often. */
const FLOOD_MS = 66
const PAUSED_MS = 250
/** Below the last line, so that a horizontal scroll bar does not lie on it. */
const ROOM_PX = 12
/** A pane that is higher has no styles that bound it: without a limit it would grow with its rows for ever. */
const MAX_ROWS = 500
/** Height assumed where there is no layout. */
const DEFAULT_HEIGHT = 400

export type LogViewOptions = {
  rowHeight?: number
  label?: string
  onFollow?: (following: boolean) => void
  /** The reader pressed something in a row. */
  onAct?: (act: RowAct | 'text', line: LogLine, event: MouseEvent) => void
}

export class LogView {
  readonly #scroller = div('scroller')
  readonly #pane = div('pane')
  readonly #box = div('box')
  readonly #spacer = div('spacer')
  readonly #rowHeight: number
  readonly #onFollow: (following: boolean) => void
  readonly #onAct: NonNullable<LogViewOptions['onAct']>
  readonly #observer: ResizeObserver | null
  readonly #heights = new Map<number, number>()
  readonly #new = new NewLines()
  #source: LogSource
  #look: RowLook = PLAIN_LOOK
  /** Rows in the order of the screen. */
  #pool: LogRow[] = []
  /** Index of the line in the first row of the pool. */
  #top = 0
  #probe: LogRow | null = null
  #paneHeight = DEFAULT_HEIGHT
  /** What of the pane is for lines. */
  #height = DEFAULT_HEIGHT
  #line = 0
  #offset = 0
  /** The line the view stands at, as of the source's revision. */
  #anchor: { number: number; row: number } | null = null
  #revision: number
  #following = true
  #wrap = false
  #frame = 0
  #moved = true
  #paintedAt = 0
  #paintedCount = 0
  #spacerHeight = -1
  /** The message that was brought into view, until the reader goes elsewhere: it stays there if the pane changes. */
  #sought: number | null = null
  /** Scroll position written by us: its scroll event is no act of the reader. */
  #ownScroll = -1

  constructor(root: HTMLElement, source: LogSource, options: LogViewOptions = {}) {
    this.#source = source
    this.#revision = source.revision
    this.#rowHeight = options.rowHeight ?? 20
    this.#onFollow = options.onFollow ?? (() => {})
    this.#onAct = options.onAct ?? (() => {})
    this.#describe(options.label ?? 'Log')
    this.#pane.append(this.#box)
    this.#scroller.append(this.#pane, this.#spacer)
    root.append(this.#scroller)
    this.#listen()
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

  /** Index of the first line that is wholly shown. */
  get firstWholeLine(): number {
    return this.#offset > 0 ? this.#line + 1 : this.#line
  }

  /** The source grew or changed; painted in the next frame, or 15 times a second under a flood. */
  changed(): void {
    this.#schedule(this.#source.revision !== this.#revision)
  }

  /** Show other lines, as a filter does; the reader stays at the line, or at the next one that is shown. */
  setSource(source: LogSource): void {
    if (source === this.#source) return
    this.#settle()
    if (!this.#following) this.#dropAnchor()
    this.#source = source
    this.#revision = source.revision
    this.#new.restart(source.count)
    this.#forget()
    this.#toAnchor()
    this.#schedule(true)
  }

  /** Messages after this number come as they are written; `null` while none does. */
  setLive(after: number | null): void {
    this.#new.setLive(after)
  }

  /** Draw rows otherwise. */
  setLook(look: RowLook): void {
    this.#look = look
    this.#scroller.classList.toggle('headway-log__scroller--timeless', look.time === 'off')
    this.#scroller.style.setProperty('--headway-log-digits', String(look.digits))
    this.#forget()
    this.#schedule(true)
  }

  setFollow(following: boolean): void {
    if (following !== this.#following) {
      this.#following = following
      this.#onFollow(following)
    }
    if (!following) return
    this.#sought = null
    this.#schedule(true)
  }

  setWrap(wrap: boolean): void {
    if (wrap === this.#wrap) return
    this.#wrap = wrap
    this.#scroller.classList.toggle('headway-log__scroller--wrap', wrap)
    this.#forget()
    this.#stand(this.#line, 0)
    this.#ownScroll = -1
    this.#schedule(true)
  }

  /** Bring a row to the middle; following ends. */
  scrollToLine(index: number): void {
    this.setFollow(false)
    this.#settle()
    if (this.#wrap) {
      this.#stand(index, 0)
      this.#moveWrapped(-this.#height / 2)
    } else this.#moveTo(index * this.#rowHeight - this.#height / 2 + this.#rowHeight / 2)
    this.#schedule(true)
  }

  /** Bring a message to the middle, by its number, unless it is well in view; following ends. */
  showMessage(number: number): void {
    this.#sought = number
    const index = this.#source.indexOf(number, 0)
    const last = this.#line + Math.floor(this.#height / this.#rowHeight) - 3
    if (!this.#following && !this.#wrap && index > this.#line + 1 && index < last) this.#schedule(true)
    else this.scrollToLine(index)
  }

  focus(): void {
    this.#scroller.focus()
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame)
    this.#observer?.disconnect()
    this.#scroller.remove()
  }

  #describe(label: string): void {
    this.#scroller.tabIndex = 0
    this.#scroller.setAttribute('role', 'log')
    // Announcing every line would drown a screen reader; status changes have a region of their own.
    this.#scroller.setAttribute('aria-live', 'off')
    this.#scroller.setAttribute('aria-label', label)
    // Long lines scroll sideways in here, by keyboard too.
    this.#pane.tabIndex = 0
    this.#pane.setAttribute('role', 'group')
    this.#pane.setAttribute('aria-label', 'Lines')
  }

  #listen(): void {
    this.#scroller.addEventListener('scroll', this.#onScroll, { passive: true })
    this.#scroller.addEventListener('wheel', this.#onWheel, { passive: false })
    this.#scroller.addEventListener('keydown', this.#onKey)
    this.#box.addEventListener('pointerdown', this.#onPointer)
    this.#box.addEventListener('pointerover', this.#onHover)
    this.#box.addEventListener('click', this.#onClick)
    this.#box.addEventListener('copy', this.#onCopy)
    onTouchScroll(
      this.#scroller,
      () => !this.#exact,
      px => {
        this.#sought = null
        this.#moveBy(px)
      },
    )
  }

  get #total(): number {
    return this.#source.count * this.#rowHeight
  }

  /** The scroll bar is exact; else it is proportional, and wheel, keys and fingers move the anchor themselves. */
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
    if (this.#sought !== null) this.showMessage(this.#sought)
    else this.#schedule(true)
  }

  #forget(): void {
    this.#heights.clear()
    for (const row of this.#pool) row.forget()
  }

  #stand(line: number, offset: number): void {
    this.#line = line
    this.#offset = offset
    this.#anchor = null
  }

  /** Where rows have moved since the last look, find the line again that the view stands at. */
  #settle(): void {
    if (this.#source.revision === this.#revision) return
    this.#revision = this.#source.revision
    this.#forget()
    this.#toAnchor()
  }

  #dropAnchor(): void {
    if (this.#anchor || this.#source.count === 0) return
    const { number, row } = this.#source.line(Math.min(this.#line, this.#source.count - 1))
    this.#anchor = { number, row }
  }

  #toAnchor(): void {
    if (this.#anchor) this.#line = this.#source.indexOf(this.#anchor.number, this.#anchor.row)
  }

  #moveTo(top: number): void {
    const px = Math.max(0, Math.min(this.#maxTop, top))
    const line = Math.floor(px / this.#rowHeight)
    this.#stand(line, px - line * this.#rowHeight)
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
    this.#new.beginPaint(this.#source.count, this.#height / this.#rowHeight, time, this.#following)
    this.#paint()
  }

  #onScroll = (): void => {
    const y = this.#scroller.scrollTop
    if (Math.abs(y - this.#ownScroll) < 2) return
    this.#ownScroll = y
    this.#sought = null
    this.#settle()
    const span = Math.max(1, this.#spacerHeight)
    if (this.#wrap) this.#stand(Math.round((y / span) * Math.max(0, this.#source.count - 1)), 0)
    else this.#moveTo(this.#exact ? y : (y / span) * this.#maxTop)
    this.setFollow(y >= span - 2)
    this.#schedule(true)
  }

  #onWheel = (event: WheelEvent): void => {
    this.#sought = null
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
    // Stretching what is chosen is the owner's.
    if (event.shiftKey && event.key.startsWith('Arrow')) return
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
    this.#sought = null
    move()
  }

  /** The reader takes hold of a line: it must not run away. */
  #onPointer = (event: PointerEvent): void => {
    if (event.button === 0) this.setFollow(false)
  }

  #onHover = (event: PointerEvent): void => {
    const target = event.target as HTMLElement
    const line = this.#rowOf(target)?.line
    if (line && target.dataset['act'] === 'time') target.title = formatExact(line.time)
    if (line && target.dataset['act'] === 'step') target.title = target.textContent ?? ''
  }

  #onClick = (event: MouseEvent): void => {
    const target = event.target as HTMLElement
    const row = this.#rowOf(target)
    if (!row?.line || target.closest('a')) return
    const act = target.closest<HTMLElement>('[data-act]')?.dataset['act'] as RowAct | undefined
    if (act) this.#onAct(act, row.line, event)
    // The end of a selection is a click too, and asks for nothing.
    else if (getSelection()?.isCollapsed ?? true) this.#onAct('text', row.line, event)
  }

  #onCopy = (event: ClipboardEvent): void => {
    const text = copiedText(this.#pool, getSelection())
    if (text === null) return
    event.clipboardData?.setData('text/plain', text)
    event.preventDefault()
  }

  #rowOf(target: HTMLElement): LogRow | undefined {
    return this.#pool.find(row => row.element.contains(target))
  }

  #toStart(): void {
    this.setFollow(false)
    this.#settle()
    this.#stand(0, 0)
    this.#schedule(true)
  }

  #moveBy(distance: number): void {
    this.#settle()
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
    this.#stand(line, px)
    this.setFollow(distance > 0 && below <= this.#height)
    this.#schedule(true)
  }

  #anchorAtEnd(): void {
    let line = this.#source.count
    let px = 0
    while (line > 0 && px < this.#height) px += this.#heightOf(--line)
    this.#stand(line, Math.max(0, px - this.#height))
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
    this.#probe.show(index, this.#source.line(index), this.#look)
    const height = this.#probe.element.offsetHeight || this.#rowHeight
    if (this.#heights.size > 5_000) this.#heights.clear()
    this.#heights.set(index, height)
    return height
  }

  #paint(): void {
    this.#settle()
    this.#moved = false
    this.#paintedCount = this.#source.count
    const real = Math.max(this.#height, Math.min(this.#total, SPACER_CAP_PX))
    this.#pane.style.height = `${this.#paneHeight}px`
    if (real - this.#height !== this.#spacerHeight) {
      this.#spacerHeight = real - this.#height
      this.#spacer.style.height = `${this.#spacerHeight}px`
    }
    const bar = this.#wrap ? this.#placeWrapped() : this.#placeRows()
    this.#show(this.#line)
    this.#box.style.transform = this.#offset ? `translateY(${-this.#offset}px)` : ''
    // Last: it makes the browser lay out what is drawn by now, and what is drawn after it once more.
    this.#scrollBar(bar)
    this.#dropAnchor()
    const { count } = this.#source
    if (count > 0 && this.#following) this.#new.endPaint(this.#source.line(count - 1).number)
  }

  /** @returns where the scroll bar belongs */
  #placeRows(): number {
    const top = this.#line * this.#rowHeight + this.#offset
    if (this.#following || top > this.#maxTop) this.#moveTo(this.#maxTop)
    const px = this.#line * this.#rowHeight + this.#offset
    if (this.#exact) return px
    return this.#maxTop ? (px / this.#maxTop) * this.#spacerHeight : 0
  }

  #placeWrapped(): number {
    if (this.#following) this.#anchorAtEnd()
    this.#line = Math.max(0, Math.min(this.#line, this.#source.count - 1))
    const last = Math.max(1, this.#source.count - 1)
    return this.#following ? this.#spacerHeight : (this.#line / last) * this.#spacerHeight
  }

  /** Show the lines from `first` on; a line keeps its row while it stays on screen, so a small step draws one row. */
  #show(first: number): void {
    this.#resizePool(Math.min(MAX_ROWS, Math.ceil(this.#height / this.#rowHeight) + 2))
    this.#turn(first - this.#top)
    this.#top = first
    this.#pool.forEach((row, position) => {
      const index = first + position
      if (index >= this.#source.count) row.hide()
      else if (row.index !== index) this.#draw(row, index)
    })
  }

  #draw(row: LogRow, index: number): void {
    const line = this.#source.line(index)
    row.show(index, line, this.#look)
    if (this.#new.isNew(line.number)) row.tint()
  }

  /** The rows that have left at one end go on at the other: in the document, too, lines are in order. */
  #turn(steps: number): void {
    if (Math.abs(steps) >= this.#pool.length) return
    const moved = steps > 0 ? this.#pool.splice(0, steps) : this.#pool.splice(this.#pool.length + steps)
    if (steps > 0) {
      this.#pool.push(...moved)
      this.#box.append(...moved.map(row => row.element))
    } else if (steps < 0) {
      this.#pool.unshift(...moved)
      this.#box.prepend(...moved.map(row => row.element))
    }
  }

  #resizePool(size: number): void {
    for (const row of this.#pool.splice(size)) row.element.remove()
    while (this.#pool.length < size) {
      const row = new LogRow()
      this.#pool.push(row)
      this.#box.append(row.element)
    }
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
