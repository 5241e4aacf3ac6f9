/** Frames as they came, in order: text as it is, binary ones inflated, which takes the browser a moment. */

import { InvalidFrame } from '../core/events'

export class FrameReader {
  readonly #onFrame: (frame: string | Uint8Array) => void
  readonly #onError: (error: Error) => void
  /** Settled once the frames before are passed on; null while none is waited for. */
  #before: Promise<void> | null = null

  constructor(onFrame: (frame: string | Uint8Array) => void, onError: (error: Error) => void) {
    this.#onFrame = onFrame
    this.#onError = onError
  }

  push(data: unknown): void {
    if (this.#before === null && typeof data === 'string') return this.#pass(data)
    // Begins to inflate at once; only passing on waits for its turn.
    const frame = typeof data === 'string' ? Promise.resolve(data) : inflate(data)
    const turn = Promise.all([frame, this.#before]).then(
      ([read]) => this.#pass(read),
      (error: unknown) => this.#onError(invalid(error)),
    )
    this.#before = turn
    void turn.then(() => {
      if (this.#before === turn) this.#before = null
    })
  }

  #pass(frame: string | Uint8Array): void {
    try {
      this.#onFrame(frame)
    } catch (error) {
      this.#onError(invalid(error))
    }
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

async function inflate(data: unknown): Promise<Uint8Array> {
  // By its name, since a frame may be made in another realm than the page.
  const isBytes = Object.prototype.toString.call(data) === '[object ArrayBuffer]'
  if (!isBytes) throw new InvalidFrame('neither text nor bytes')
  const stream = new DecompressionStream('deflate-raw')
  const writer = stream.writable.getWriter()
  const written = writer.write(new Uint8Array(data as ArrayBuffer)).then(() => writer.close())
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
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function invalid(error: unknown): Error {
  return error instanceof InvalidFrame ? error : new InvalidFrame(String(error))
}
