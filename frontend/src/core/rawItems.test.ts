import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rawItems } from './rawItems'

describe('the elements of a list as they are written', () => {
  it.each([
    [
      'as JSON would not write them',
      '{"events":[{"n":1.0,"s":"\\u00e4"},{"n":1e2}]}',
      ['{"n":1.0,"s":"\\u00e4"}', '{"n":1e2}'],
    ],
    [
      'with brackets and quotes in texts',
      '{"events":[{"s":"],[}\\"{"},"\\\\"],"x":[]}',
      ['{"s":"],[}\\"{"}', '"\\\\"'],
    ],
    ['behind other members', '{"x":{"events":[1]},"y":["events",2],"events":[3]}', ['3']],
    ['without any', '{"events":[],"cursor":"a.1.b"}', []],
    ['with spaces between', '{ "events" : [ 1 , [2, 3] ] }', ['1', '[2, 3]']],
    ['of no such list', '{"cursor":"events","closed":true}', []],
    ['of a text that is cut', '{"events":[{"n":1},{"n"', []],
  ])('%s', (_, text, items) => expect(rawItems(text, 'events')).toEqual(items))

  it('are all there, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), (values, other) => {
        const text = JSON.stringify({ other, events: values, cursor: 'a.1.b' })

        expect(rawItems(text, 'events')).toEqual(values.map(value => JSON.stringify(value)))
      }),
    )
  })
})
