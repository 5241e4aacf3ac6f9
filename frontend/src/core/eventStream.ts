/** Server-Sent Events out of the text they come in, wherever it is cut; pure. */

export type ServerSentEvent = { readonly name: string; readonly id: string; readonly data: string }

export class EventStreamParser {
  #rest = ''

  /** Events that are whole with this piece, oldest first; comments and times to wait are none. */
  push(text: string): ServerSentEvent[] {
    const blocks = (this.#rest + text.replaceAll('\r', '')).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    return blocks.map(readEvent).filter(event => event.data !== '')
  }
}

function readEvent(block: string): ServerSentEvent {
  const event = { name: 'message', id: '', data: [] as string[] }
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    const value = line.slice(colon + 1).replace(/^ /, '')
    const field = line.slice(0, colon)
    if (field === 'event') event.name = value
    else if (field === 'id') event.id = value
    else if (field === 'data') event.data.push(value)
  }
  return { ...event, data: event.data.join('\n') }
}
