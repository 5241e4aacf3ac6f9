/** Colours (SGR) and links (OSC 8) of a terminal as parts of a line; every other escape is left out. Knows no DOM. */

import { isWebAddress } from './links'

/** A colour: an index 0-15 into the theme's palette, or a CSS colour. */
export type Colour = number | string

export type Style = {
  fg?: Colour
  bg?: Colour
  bold?: true
  dim?: true
  italic?: true
  underline?: true
  inverse?: true
}
export type Part = {
  text: string
  style: Style
  /** Where it leads, to the web. */
  href?: string
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes begin with a control character
const ESCAPE = /\x1b(?:\[([0-9;:]*)([ -/]*[@-~])|\]([^\x07\x1b]*)(?:\x07|\x1b\\)?|[@-Z\\-_])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would not print
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g
export const PLAIN: Style = {}

/**
 * Split one line into parts of one style each; a line without escapes is a single part.
 *
 * @param before the style that the lines above have left open
 */
export function parseAnsi(line: string, before: Style = PLAIN): Part[] {
  if (!line.includes('\x1b')) return [{ text: line.replace(CONTROL, ''), style: before }]
  const parts: Part[] = []
  let style = before
  let link: { href?: string } = {}
  let from = 0
  const add = (text: string) => {
    const printable = text.replace(CONTROL, '')
    if (printable) parts.push({ text: printable, style, ...link })
  }
  for (const match of line.matchAll(ESCAPE)) {
    add(line.slice(from, match.index))
    from = match.index + match[0].length
    if (match[2] === 'm') style = restyle(style, match[1] ?? '')
    else if (match[3]?.startsWith('8;')) link = linkOf(match[3])
  }
  add(line.slice(from))
  return parts
}

/** `8;parameters;address`; an empty address ends a link. */
function linkOf(command: string): { href?: string } {
  const href = command.slice(command.indexOf(';', 2) + 1)
  return isWebAddress(href) ? { href } : {}
}

/** What a reader sees of a text: without escapes. */
export function plainText(text: string): string {
  return text.includes('\x1b') ? text.replace(ESCAPE, '') : text
}

/** The lines of one message: split at newlines, what a carriage return overwrote left out. */
export function splitMessage(message: string): string[] {
  if (!message.includes('\n') && !message.includes('\r')) return [message]
  return message
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map(afterReturn)
}

function afterReturn(line: string): string {
  const shown = line.replace(/\r+$/, '')
  return shown.slice(shown.lastIndexOf('\r') + 1)
}

/** The style that a line leaves open for the next one. */
export function styleAfter(line: string, before: Style): Style {
  let style = before
  for (const match of line.matchAll(ESCAPE)) {
    if (match[2] === 'm') style = restyle(style, match[1] ?? '')
  }
  return style
}

export function isPlain(style: Style): boolean {
  return Object.keys(style).length === 0
}

function restyle(before: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number)
  let style: Style = { ...before }
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0
    if (code === 38 || code === 48) {
      const [colour, used] = extendedColour(codes, at + 1)
      at += used
      if (colour !== null) style[code === 38 ? 'fg' : 'bg'] = colour
    } else style = restyleOne(style, code)
  }
  return style
}

function restyleOne(style: Style, code: number): Style {
  const without = (...keys: (keyof Style)[]) =>
    Object.fromEntries(Object.entries(style).filter(([key]) => !keys.includes(key as keyof Style)))
  if (code === 0) return PLAIN
  if (code === 1) return { ...style, bold: true }
  if (code === 2) return { ...style, dim: true }
  if (code === 3) return { ...style, italic: true }
  if (code === 4) return { ...style, underline: true }
  if (code === 7) return { ...style, inverse: true }
  if (code === 22) return without('bold', 'dim')
  if (code === 23) return without('italic')
  if (code === 24) return without('underline')
  if (code === 27) return without('inverse')
  if (code === 39) return without('fg')
  if (code === 49) return without('bg')
  if (code >= 30 && code <= 37) return { ...style, fg: code - 30 }
  if (code >= 40 && code <= 47) return { ...style, bg: code - 40 }
  if (code >= 90 && code <= 97) return { ...style, fg: code - 82 }
  if (code >= 100 && code <= 107) return { ...style, bg: code - 92 }
  return style
}

/** `5;n` of the 256 colours or `2;r;g;b`; the second value is how many codes were used. */
function extendedColour(codes: readonly number[], at: number): [Colour | null, number] {
  const [mode, a = 0, b = 0, c = 0] = codes.slice(at, at + 4)
  if (mode === 5) return [paletteColour(a), 2]
  if (mode === 2) return [[a, b, c].every(isByte) ? `rgb(${a},${b},${c})` : null, 4]
  return [null, 1]
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255
}

function paletteColour(index: number): Colour | null {
  if (!isByte(index)) return null
  if (index < 16) return index
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10
    return `rgb(${grey},${grey},${grey})`
  }
  const level = (value: number) => (value === 0 ? 0 : 55 + value * 40)
  const cube = index - 16
  return `rgb(${level(Math.floor(cube / 36))},${level(Math.floor(cube / 6) % 6)},${level(cube % 6)})`
}
