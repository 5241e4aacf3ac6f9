import { expect, it } from 'vitest'
import { EventStreamParser, type ServerSentEvent } from './eventStream'

const STREAM = [
  'retry: 1000',
  '',
  'id: e.1.aa',
  'data: {"seq":1,"message":"ünïcode ✓: yes"}',
  '',
  ': still here',
  '',
  'event: end',
  'id: e.1.aa',
  'data: {',
  'data: }',
  '',
  '',
].join('\n')
const EVENTS: ServerSentEvent[] = [
  { name: 'message', id: 'e.1.aa', data: '{"seq":1,"message":"ünïcode ✓: yes"}' },
  { name: 'end', id: 'e.1.aa', data: '{\n}' },
]

it.each([1, 2, 7, 1_000])('reads the same events out of pieces of %i characters', size => {
  const parser = new EventStreamParser()
  const events: ServerSentEvent[] = []
  for (let at = 0; at < STREAM.length; at += size) events.push(...parser.push(STREAM.slice(at, at + size)))

  expect(events).toEqual(EVENTS)
})

it('reads lines that end as in Windows', () => {
  expect(new EventStreamParser().push(STREAM.replaceAll('\n', '\r\n'))).toEqual(EVENTS)
})

it('holds back what is not whole yet', () => {
  expect(new EventStreamParser().push('data: {"seq":1}\n')).toEqual([])
})
