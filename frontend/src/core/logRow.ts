/** One pooled row of the log view: number, time, level, step, text with its colours. Text never becomes HTML. */

import { type Colour, isPlain, type Part, PLAIN, parseAnsi, type Style } from './ansi'
import type { LogGroup, LogLine } from './chunks'
import { formatCount } from './format'
import type { LineRange } from './lineRange'
import { withLinks } from './links'
import { HELD_CHARACTERS, LEVELS } from './logChunk'
import { formatLogTime, type TimeStyle } from './logTime'

/** More marks in one row tell the reader nothing. */
const MAX_MARKS = 200

const TINT = { duration: 1_200, easing: 'steps(8)' } as const

/** How rows are drawn, whatever their line. */
export type RowLook = {
  readonly time: TimeStyle
  /** What relative times begin at; NaN where it is not known. */
  readonly startedAt: number
  /** What is marked in the text; global. */
  readonly pattern: RegExp | null
  /** Number of the message that the search stands at. */
  readonly current: number | null
  readonly selected: LineRange | null
  /** Of the largest number, so that all columns stand in line. */
  readonly digits: number
}

export const PLAIN_LOOK: RowLook = {
  time: 'local',
  startedAt: Number.NaN,
  pattern: null,
  current: null,
  selected: null,
  digits: 5,
}

/** What a reader can press in a row, as `data-act`. */
export type RowAct = 'line' | 'time' | 'step' | 'whole' | 'retry' | 'group'

export class LogRow {
  readonly element = part('div', 'row')
  readonly text = part('span', 'text')
  /** Index of the line shown; -1 while hidden or forgotten. */
  index = -1
  line: LogLine | null = null
  readonly #number = part('span', 'number', 'line')
  readonly #time = part('span', 'time', 'time')
  readonly #level = part('span', 'level')
  readonly #step = part('span', 'step', 'step')
  #marks = ''
  #tint: Animation | null = null

  constructor() {
    this.element.append(this.#number, this.#time, this.#level, this.#step, this.text)
    this.element.hidden = true
  }

  show(index: number, line: LogLine, look: RowLook): void {
    this.element.hidden = false
    this.#tint?.cancel()
    this.#tint = null
    this.index = index
    this.line = line
    const isFirst = line.row === 0 && !line.group
    const level = LEVELS[line.level] ?? 'INFO'
    write(this.#number, isFirst ? String(line.number) : '')
    write(this.#time, isFirst ? formatLogTime(line.time, look.time, look.startedAt) : '')
    write(this.#level, isFirst && !line.missing ? level : '')
    write(this.#step, isFirst ? (line.step ?? '') : '')
    this.#mark(line, level, look)
    if (line.group) this.text.replaceChildren(...groupHeader(line.group))
    else if (line.missing === 'failed') this.text.replaceChildren(...failure(line.reason ?? ''))
    else fill(this.text, line, look.pattern)
    if (line.cut) this.text.append(...rest(line.text.length, line.cut.length))
  }

  hide(): void {
    this.index = -1
    this.line = null
    this.element.hidden = true
  }

  /** The line has come just now: it stands on a tint that fades. */
  tint(): void {
    // By script, since it belongs to the line: one of the style sheet would begin anew whenever a tab is shown.
    const { element } = this
    if (typeof element.animate !== 'function' || matchMedia('(prefers-reduced-motion: reduce)').matches)
      return
    this.#tint = element.animate([{ backgroundColor: 'var(--headway-accent-soft)', offset: 0 }], TINT)
  }

  /** The next `show` draws anew. */
  forget(): void {
    this.index = -1
  }

  #mark(line: LogLine, level: string, { selected, current }: RowLook): void {
    const { dataset } = this.element
    const isSelected = selected && line.number >= selected.first && line.number <= selected.last
    const look = {
      level,
      kind: line.group ? 'group' : (line.missing ?? (line.gap ? 'gap' : undefined)),
      selected: isSelected && !line.group ? '' : undefined,
      current: line.number === current && !line.group ? '' : undefined,
    }
    const marks = `${look.level} ${look.kind} ${look.selected} ${look.current}`
    if (marks === this.#marks) return
    this.#marks = marks
    for (const [name, value] of Object.entries(look)) {
      if (value === undefined) delete dataset[name]
      else dataset[name] = value
    }
  }
}

function groupHeader({ step, messages, open }: LogGroup): Node[] {
  const button = act('group', `${open ? '▾' : '▸'} ${step}`)
  button.setAttribute('aria-expanded', String(open))
  return [button, ` ${formatCount(messages)} lines`].map(node =>
    typeof node === 'string' ? document.createTextNode(node) : node,
  )
}

function failure(reason: string): Node[] {
  return [document.createTextNode(`not loaded: ${reason} `), act('retry', 'Retry')]
}

function rest(shown: number, length: number): Node[] {
  const more = length - Math.min(shown, HELD_CHARACTERS)
  return [document.createTextNode(' … '), act('whole', `show all, ${formatCount(more)} more characters`)]
}

function act(name: RowAct, label: string): HTMLElement {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'headway-log__act'
  button.dataset['act'] = name
  button.textContent = label
  return button
}

/** Into the text node that is there, and only what is new: else the browser lays out all rows at each paint. */
function write(element: HTMLElement, text: string): void {
  const { firstChild: node } = element
  if (node?.nodeType !== Node.TEXT_NODE || node.nextSibling) element.textContent = text
  else if (node.nodeValue !== text) node.nodeValue = text
}

function fill(element: HTMLElement, line: LogLine, pattern: RegExp | null): void {
  const parts = withLinks(parseAnsi(line.text, line.style))
  const [only] = parts
  if (!pattern && parts.length <= 1 && (!only || (isPlain(only.style) && !only.href))) {
    write(element, only?.text ?? '')
    return
  }
  element.replaceChildren(...(pattern ? marked(parts, pattern) : parts.map(piece)))
}

/** The parts with what the pattern holds in marks, also where a mark spans several colours. */
function marked(parts: readonly Part[], pattern: RegExp): Node[] {
  const hits = hitsIn(parts.map(each => each.text).join(''), pattern)
  const nodes: Node[] = []
  let at = 0
  for (const part of parts) {
    const { text } = part
    let from = 0
    for (const [start, end] of hits) {
      const [first, last] = [Math.max(0, start - at), Math.min(text.length, end - at)]
      if (last <= from || first >= text.length) continue
      if (first > from) nodes.push(piece({ ...part, text: text.slice(from, first) }))
      const mark = document.createElement('mark')
      mark.className = 'headway-log__hit'
      // Its own colours: those of the text could not be told from the mark's.
      mark.append(piece({ ...part, text: text.slice(Math.max(first, from), last), style: PLAIN }))
      nodes.push(mark)
      from = last
    }
    if (from < text.length) nodes.push(piece({ ...part, text: text.slice(from) }))
    at += text.length
  }
  return nodes
}

function hitsIn(text: string, pattern: RegExp): [number, number][] {
  const hits: [number, number][] = []
  for (const match of text.matchAll(pattern)) {
    if (match[0] !== '') hits.push([match.index, match.index + match[0].length])
    if (hits.length === MAX_MARKS) break
  }
  return hits
}

function piece({ text, style, href }: Part): Node {
  const node = coloured(text, style)
  if (href === undefined) return node
  const link = document.createElement('a')
  link.href = href
  link.target = '_blank'
  link.rel = 'noopener noreferrer'
  link.append(node)
  return link
}

function coloured(text: string, style: Style): Node {
  if (isPlain(style)) return document.createTextNode(text)
  const span = document.createElement('span')
  span.textContent = text
  const [fg, bg] = style.inverse ? [style.bg, style.fg] : [style.fg, style.bg]
  span.className = classes(style)
  if (bg !== undefined) {
    span.classList.add(isPale(bg) ? 'headway-log__on-pale' : 'headway-log__on-solid')
    span.style.backgroundColor = ground(bg)
  } else if (style.inverse) span.classList.add('headway-log__inverse')
  if (fg !== undefined) span.style.color = style.inverse && bg === undefined ? ground(fg) : css(fg)
  return span
}

function css(colour: Colour): string {
  return typeof colour === 'number' ? `var(--headway-ansi-${colour})` : colour
}

/** Grounds are the same in every theme, for text of either kind; a bright one is as the other of its hue. */
function ground(colour: Colour): string {
  if (typeof colour === 'string') return colour
  return `var(--headway-ansi-ground-${colour > 8 && colour < 15 ? colour - 8 : colour})`
}

/** Whether dark text is read better on it than white. */
function isPale(colour: Colour): boolean {
  if (typeof colour === 'number') return colour === 7 || colour === 15
  const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map(
    value => (Number(value) / 255) ** 2.2,
  )
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18
}

function classes(style: Style): string {
  const names = (['bold', 'dim', 'italic', 'underline'] as const).filter(name => style[name])
  return names.map(name => `headway-log__${name}`).join(' ')
}

function part(tag: string, name: string, act?: RowAct): HTMLElement {
  const element = document.createElement(tag)
  element.className = `headway-log__${name}`
  if (act) element.dataset['act'] = act
  return element
}
