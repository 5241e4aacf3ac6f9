/** Addresses in a line of text as parts of their own. Knows no DOM. */

import type { Part } from './ansi'

const ADDRESS = /https?:\/\/[^\s<>"'`\\^{|}]+/gi
const WEB = /^https?:\/\//i

/** Whether an address is one of the web: no other is ever followed. */
export function isWebAddress(address: string): boolean {
  return WEB.test(address)
}

/** The parts with what they name of the web cut out, each with its address; a part that is a link stays one. */
export function withLinks(parts: readonly Part[]): Part[] {
  return parts.flatMap(part => (part.href === undefined && part.text.includes('://') ? cut(part) : [part]))
}

function cut({ text, style }: Part): Part[] {
  const parts: Part[] = []
  let from = 0
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const href = withoutSentence(found)
    if (index > from) parts.push({ text: text.slice(from, index), style })
    parts.push({ text: href, style, href })
    from = index + href.length
  }
  if (from < text.length) parts.push({ text: text.slice(from), style })
  return parts
}

/** Without the punctuation of the sentence around it; a bracket that it opened itself belongs to it. */
function withoutSentence(address: string): string {
  const bare = address.replace(/[.,;:!?)\]]+$/, '')
  const [closing] = address.slice(bare.length)
  const isOwn = (closing === ')' && bare.includes('(')) || (closing === ']' && bare.includes('['))
  return isOwn ? bare + closing : bare
}
