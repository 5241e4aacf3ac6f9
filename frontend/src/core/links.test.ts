import { expect, it } from 'vitest'
import { parseAnsi } from './ansi'
import { withLinks } from './links'

const linksOf = (line: string) =>
  withLinks(parseAnsi(line))
    .filter(part => part.href !== undefined)
    .map(({ text, href }) => [text, href])

it.each([
  ['see https://example.org/a?b=1#c.', 'https://example.org/a?b=1#c'],
  ['(http://127.0.0.1:8000/x), then', 'http://127.0.0.1:8000/x'],
  [
    'https://en.wikipedia.org/wiki/Log_(disambiguation)',
    'https://en.wikipedia.org/wiki/Log_(disambiguation)',
  ],
  ['http://[::1]/', 'http://[::1]/'],
  ['"https://example.org/"', 'https://example.org/'],
])('finds the address in %s', (line, href) => expect(linksOf(line)).toEqual([[href, href]]))

it.each(['postgres://db/name', 'javascript:alert(1)', 'https:// nowhere', 'a://b'])(
  'finds none in %s',
  line => expect(linksOf(line)).toEqual([]),
)

it('leaves the text as it is, with its colours', () => {
  const parts = withLinks(parseAnsi('a \x1b[31mhttp://x/ http://y/\x1b[0m b'))
  expect(parts.map(part => part.text).join('')).toBe('a http://x/ http://y/ b')
  expect(parts.filter(part => part.style.fg === 1).map(part => part.href)).toEqual([
    'http://x/',
    undefined,
    'http://y/',
  ])
})

it('takes the link of a terminal, of the web alone', () => {
  const link = (address: string) => `\x1b]8;id=1;${address}\x1b\\the report\x1b]8;;\x1b\\ after`
  expect(linksOf(link('https://example.org/r'))).toEqual([['the report', 'https://example.org/r']])
  expect(linksOf(link('https://example.org/r').replaceAll('\x1b\\', '\x07'))).toHaveLength(1)
  for (const address of ['javascript:alert(1)', 'file:///etc/passwd', ' https://x/', ''])
    expect(linksOf(link(address))).toEqual([])
})
