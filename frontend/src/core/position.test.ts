import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { chain, crc32, formatCursor, initialTag, parseCursor } from './position'

type TagVectors = { epoch: string; initial: string; events: { line: string; tag: string }[] }

const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../protocol/fixtures/tags.json'), 'utf8'),
) as TagVectors
const bytes = (text: string) => new TextEncoder().encode(text)

it('chains tags as the server does, line by line and over many lines at once', () => {
  let tag = initialTag(vectors.epoch)
  expect(tag).toBe(Number.parseInt(vectors.initial, 16))
  for (const { line, tag: wanted } of vectors.events) {
    tag = chain(tag, bytes(`${line}\n`))
    expect(tag).toBe(Number.parseInt(wanted, 16))
  }

  const all = bytes(vectors.events.map(({ line }) => `${line}\n`).join(''))
  expect(chain(initialTag(vectors.epoch), all)).toBe(tag)
})

it('is zlib’s CRC-32 at every length and from every split', () => {
  expect(crc32(bytes('123456789'))).toBe(0xcbf43926)
  const text = bytes('a line of a log, long enough for several strides — ✓')
  for (let split = 0; split <= text.length; split++) {
    expect(crc32(text.subarray(split), crc32(text.subarray(0, split)))).toBe(crc32(text))
  }
})

it('checks a frame of 64 KiB in well under a millisecond', () => {
  const frame = new Uint8Array(65_536).map((_, index) => index * 31)
  for (let warm = 0; warm < 50; warm++) crc32(frame)
  const times = Array.from({ length: 25 }, () => {
    const from = performance.now()
    crc32(frame)
    return performance.now() - from
  })

  expect(Math.min(...times)).toBeLessThan(0.5)
})

it('reads and writes the text of a cursor', () => {
  expect(parseCursor('9f3a01bc.17.000000aa')).toEqual({ epoch: '9f3a01bc', seq: 17, tag: 0xaa })
  expect(formatCursor({ epoch: '9f3a01bc', seq: 17, tag: 0xaa })).toBe('9f3a01bc.17.000000aa')
})

it.each([
  '',
  '17',
  'x.17.aa',
  '9f3a01bc.-1.aa',
  '9f3a01bc.17.000000aab',
  '9f3a01bc.99999999999999999.aa',
  null,
])('takes %j for no cursor', text => expect(parseCursor(text)).toBeNull())
