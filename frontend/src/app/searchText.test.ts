import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseSearch, stringifySearch, wordOf, wordsOf } from './searchText'

it('is as one would write it', () => {
  expect(stringifySearch({ status: ['failed'], since: '24h', q: undefined })).toBe('?status=failed&since=24h')
  expect(stringifySearch({ status: ['failed', 'running'] })).toBe('?status=failed&status=running')
  expect(stringifySearch({ status: [], q: undefined })).toBe('')
  expect(stringifySearch({ regex: true, only: undefined })).toBe('?regex=true')
})

it.each([
  ['?q=123', { q: '123' }],
  ['?q=true&q2=null', { q: 'true', q2: 'null' }],
  ['?q=%7B%22a%22%3A1%7D', { q: '{"a":1}' }],
  ['?q=1e5', { q: '1e5' }],
  ['?q=a+b%2Bc', { q: 'a b+c' }],
  ['?q=%C3%A4%20%F0%9F%98%80', { q: 'ä 😀' }],
  ['?q=', { q: '' }],
  ['?q', { q: '' }],
  ['?status=failed&status=running', { status: ['failed', 'running'] }],
  ['?q=100%', { q: '100%' }],
  ['?q=%ff', { q: '\ufffd' }],
  ['?a=b=c', { a: 'b=c' }],
  ['?', {}],
  ['', {}],
])('%s is text, and nothing else', (text, values) => {
  expect(parseSearch(text)).toEqual(values)
})

it('a name of Javascript is a name like any other', () => {
  expect(Object.keys(parseSearch('?__proto__=x&constructor=y'))).toEqual(['__proto__', 'constructor'])
})

it('gives back whatever text stood in it', () => {
  const text = fc.string({ unit: 'grapheme' })
  const values = fc.dictionary(text, fc.oneof(text, fc.array(text, { minLength: 2 })))
  fc.assert(
    fc.property(values, search => {
      expect(parseSearch(stringifySearch(search))).toEqual(search)
    }),
  )
})

it('an address that somebody mistyped comes to rest', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      const once = stringifySearch(parseSearch(text))
      expect(stringifySearch(parseSearch(once))).toBe(once)
    }),
  )
})

it('one word is the last that was given', () => {
  expect([wordOf('a'), wordOf(['a', 'b']), wordOf(''), wordOf(undefined), wordOf(7)]).toEqual([
    'a',
    'b',
    undefined,
    undefined,
    undefined,
  ])
})

it('several words are repeated or listed, today or as before', () => {
  const both = ['failed', 'running']
  expect(wordsOf(['failed', 'running'])).toEqual(both)
  expect(wordsOf('failed,running')).toEqual(both)
  expect(wordsOf(['failed, running', 'failed', ''])).toEqual(both)
  expect(wordsOf('["failed","running"]')).toEqual(both)
  expect([wordsOf(''), wordsOf(undefined), wordsOf(','), wordsOf('[]')]).toEqual([
    undefined,
    undefined,
    undefined,
    ['[]'],
  ])
})
