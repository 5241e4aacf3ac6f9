/** One pooled row of the log view: number, time, level, text with its colours. Text never becomes HTML. */

import { type Colour, type Part, parseAnsi, type Style } from './ansi'
import { LEVELS, type LogLine } from './chunks'

/** Longer lines are cut on screen, never in the log or its download. */
export const SHOWN_CHARACTERS = 16_384

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})

export class LogRow {
  readonly element = part('div', 'row')
  /** Index of the line shown; -1 while hidden, -2 while what is shown is forgotten. */
  index = -1
  /** Where the row stands: pixels from the pane's top, or the order among wrapped rows. */
  place = -1
  readonly #number = part('span', 'number')
  readonly #time = part('span', 'time')
  readonly #level = part('span', 'level')
  readonly #text = part('span', 'text')
  #shown = -1

  constructor() {
    this.element.append(this.#number, this.#time, this.#level, this.#text)
    this.element.hidden = true
  }

  show(index: number, line: LogLine): void {
    if (this.index < 0) this.element.hidden = false
    this.index = index
    if (this.#shown === line.number) return
    this.#shown = line.number
    const level = LEVELS[line.level] ?? 'INFO'
    this.#number.textContent = String(line.number)
    this.#time.textContent = line.continues || Number.isNaN(line.time) ? '' : clock.format(line.time)
    this.#level.textContent = line.continues ? '' : level
    this.element.dataset['level'] = level
    fill(this.#text, cut(line.text))
  }

  hide(): void {
    if (this.index === -1) return
    this.index = -1
    this.element.hidden = true
  }

  /** Forget what is shown: the next `show` draws anew. */
  forget(): void {
    this.#shown = -1
    if (this.index !== -1) this.index = -2
    this.place = -1
  }
}

function cut(text: string): string {
  if (text.length <= SHOWN_CHARACTERS) return text
  const left = text.length - SHOWN_CHARACTERS
  return `${text.slice(0, SHOWN_CHARACTERS)} … ${left.toLocaleString()} more characters in the download`
}

function fill(element: HTMLElement, text: string): void {
  const parts = parseAnsi(text)
  const [only] = parts
  if (parts.length <= 1 && (!only || Object.keys(only.style).length === 0)) {
    element.textContent = only?.text ?? ''
    return
  }
  element.replaceChildren(...parts.map(coloured))
}

function coloured({ text, style }: Part): Node {
  if (Object.keys(style).length === 0) return document.createTextNode(text)
  const span = document.createElement('span')
  span.textContent = text
  const [fg, bg] = style.inverse ? [style.bg ?? 'Canvas', style.fg ?? 'currentColor'] : [style.fg, style.bg]
  if (fg !== undefined) span.style.color = css(fg)
  if (bg !== undefined) span.style.backgroundColor = css(bg)
  span.className = classes(style)
  return span
}

function css(colour: Colour): string {
  return typeof colour === 'number' ? `var(--headway-ansi-${colour})` : colour
}

function classes(style: Style): string {
  const names = (['bold', 'dim', 'italic', 'underline'] as const).filter(name => style[name])
  return names.map(name => `headway-log__${name}`).join(' ')
}

function part(tag: string, name: string): HTMLElement {
  const element = document.createElement(tag)
  element.className = `headway-log__${name}`
  return element
}
