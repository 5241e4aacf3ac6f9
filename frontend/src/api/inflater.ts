/**
 * Binary frames of one `headway.v1.deflate` connection: a word of four bytes, then raw deflate.
 *
 * The word numbers a dictionary, bytes that the stream goes on from as if they stood before it; 0 is none. With its
 * highest bit the stream is that dictionary. Both ends forget alike all but the last 256 that were given.
 */

import { InvalidFrame } from '../core/events'

const WORD_BYTES = 4
const DEFINES = 2 ** 31
const MAX_DICTIONARIES = 256
const MAX_DICTIONARY_BYTES = 4_096

export class Inflater {
  /** By number, in the order in which they were given; one may still be on its way. */
  readonly #dictionaries = new Map<number, Promise<Uint8Array>>()

  /**
   * The text that a frame stands for; null where it gives a dictionary.
   *
   * Call it for each frame in the order in which they come, without waiting for the one before.
   * @throws InvalidFrame where it cannot be read, nor may what follows it.
   */
  async read(data: unknown): Promise<Uint8Array | null> {
    // By its name, since a frame may be made in another realm than the page.
    const isBytes = Object.prototype.toString.call(data) === '[object ArrayBuffer]'
    if (!isBytes) throw new InvalidFrame('neither text nor bytes')
    const frame = data as ArrayBuffer
    if (frame.byteLength < WORD_BYTES) throw new InvalidFrame('a binary frame is cut')
    const word = new DataView(frame).getUint32(0)
    const stream = new Uint8Array(frame, WORD_BYTES)
    if (word < DEFINES) return this.#text(word, stream)
    const given = dictionary(word - DEFINES, stream)
    this.#remember(word - DEFINES, given)
    await given
    return null
  }

  async #text(number: number, stream: Uint8Array): Promise<Uint8Array> {
    if (number === 0) return inflate([stream])
    const given = this.#dictionaries.get(number)
    if (!given) throw new InvalidFrame(`dictionary ${number} was not given`)
    // No browser takes a dictionary; as a stored block before the stream it is the same.
    const before = await given
    return (await inflate([stored(before), stream])).subarray(before.length)
  }

  #remember(number: number, given: Promise<Uint8Array>): void {
    this.#dictionaries.delete(number)
    this.#dictionaries.set(number, given)
    const [oldest] = this.#dictionaries.keys()
    if (oldest !== undefined && this.#dictionaries.size > MAX_DICTIONARIES) this.#dictionaries.delete(oldest)
  }
}

/** True where compressed frames can be read: some browsers know the stream, but not this format. */
export function canInflate(): boolean {
  try {
    return new DecompressionStream('deflate-raw') !== null
  } catch {
    return false
  }
}

async function dictionary(number: number, stream: Uint8Array): Promise<Uint8Array> {
  const text = await inflate([stream])
  if (number === 0 || text.length > MAX_DICTIONARY_BYTES)
    throw new InvalidFrame(`dictionary ${number} is too large, or has no number`)
  return text
}

/** A block of deflate that holds these bytes as they are, and is not the last one. */
function stored(bytes: Uint8Array): Uint8Array {
  const block = new Uint8Array(5 + bytes.length)
  const head = new DataView(block.buffer)
  head.setUint16(1, bytes.length, true)
  head.setUint16(3, ~bytes.length, true)
  block.set(bytes, 5)
  return block
}

async function inflate(parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const stream = new DecompressionStream('deflate-raw')
  const writer = stream.writable.getWriter()
  const written = writer.write(joined(parts) as Uint8Array<ArrayBuffer>).then(() => writer.close())
  const [whole] = await Promise.all([readAll(stream.readable), written])
  return whole
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const reader = stream.getReader()
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) pieces.push(piece.value)
  return joined(pieces)
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  if (only && pieces.length === 1) return only
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
