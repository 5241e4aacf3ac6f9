import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidFrame } from '../core/events'
import { FrameReader } from './frameReader'
import { Inflater } from './inflater'

type Case = { name: string; frames: string[]; texts: (string | null)[]; breaks?: boolean }

const cases = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../protocol/fixtures/deflate.json'), 'utf8'),
) as Case[]

const DEFINES = 2 ** 31
const decoder = new TextDecoder()
const text = (bytes: Uint8Array | null) => bytes && decoder.decode(bytes)
/** As a socket gives it: a buffer of its own. */
const buffer = (bytes: Uint8Array) => Uint8Array.from(bytes).buffer

function frame(word: number, content: Uint8Array, dictionary?: Uint8Array): ArrayBuffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(word)
  const stream = deflateRawSync(content, dictionary?.length ? { dictionary } : {})
  return buffer(Buffer.concat([head, stream]))
}

describe('the vectors that both languages are held to', () => {
  for (const { name, frames, texts, breaks } of cases)
    it(name, async () => {
      const inflater = new Inflater()
      const results = await Promise.allSettled(
        frames.map(each => inflater.read(buffer(Buffer.from(each, 'base64')))),
      )

      const read = results.slice(0, texts.length)
      expect(read.map(result => (result.status === 'fulfilled' ? text(result.value) : result))).toEqual(texts)
      expect(results.slice(texts.length).map(({ status }) => status)).toEqual(breaks ? ['rejected'] : [])
    })
})

describe('frames', () => {
  const words = fc.string({ unit: 'binary', maxLength: 1_000 }).map(each => Buffer.from(each))
  const number = fc.integer({ min: 1, max: 3 })
  const step = fc.oneof(
    fc.record({ gives: number, words }),
    fc.record({ packs: number, content: fc.array(words).map(each => Buffer.concat(each)) }),
    fc.record({ says: fc.string() }),
  )

  it('are passed on in order, each as it was packed, with the dictionary given last', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step), async steps => {
        const given = new Map<number, Buffer>()
        const wanted: string[] = []
        const got: string[] = []
        const errors: Error[] = []
        const reader = new FrameReader({
          onFrame: each => got.push(typeof each === 'string' ? each : (text(each) ?? '')),
          onError: error => errors.push(error),
          onBroken: error => errors.push(error),
        })
        for (const each of steps) {
          if ('says' in each) {
            wanted.push(each.says)
            reader.push(each.says)
          } else if ('gives' in each) {
            given.set(each.gives, each.words)
            reader.push(frame(DEFINES + each.gives, each.words))
          } else {
            const dictionary = given.get(each.packs)
            wanted.push(decoder.decode(each.content))
            reader.push(frame(dictionary ? each.packs : 0, each.content, dictionary))
          }
        }
        await expect.poll(() => got.length, { interval: 1 }).toBe(wanted.length)

        expect(got).toEqual(wanted)
        expect(errors).toEqual([])
      }),
      { numRuns: 40 },
    )
  })

  it('that cannot be inflated are told apart from those that are no message', async () => {
    const told: string[] = []
    const reader = new FrameReader({
      onFrame: () => {
        throw new InvalidFrame('no message')
      },
      onError: error => told.push(`error: ${error.message}`),
      onBroken: error => told.push(`broken: ${error.message}`),
    })
    reader.push('one')
    reader.push(frame(0, Buffer.from('two')))
    reader.push(frame(9, Buffer.from('three')))
    reader.push(new Blob(['four']))
    await expect.poll(() => told.length).toBe(4)

    expect(told).toEqual([
      'error: no message',
      'error: no message',
      'broken: dictionary 9 was not given',
      'broken: neither text nor bytes',
    ])
  })
})
