import { describe, expect, it } from 'vitest'
import { parseTraceback, stretchesOf } from './traceback'

const CHAINED = `Traceback (most recent call last):
  File "/app/loader.py", line 88, in load_chunk
    return row["sku"]
           ~~~^^^^^^^
KeyError: 'sku'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/flow.py", line 12, in nightly
    load_chunk(rows)
  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode
    raise JSONDecodeError("Expecting value", s, err.value)
  File "/app/.venv/lib/python3.11/site-packages/httpx/_client.py", line 5, in send
    raise error
ValueError: row 4,112 is broken
  it has no sku`

describe('a traceback', () => {
  it('begins with the error that ended it, then what led to it', () => {
    const [last, first] = parseTraceback(CHAINED)
    expect(last).toMatchObject({ text: 'ValueError: row 4,112 is broken\n  it has no sku', link: null })
    expect(first).toMatchObject({ text: "KeyError: 'sku'", link: 'cause' })
    expect(first?.frames).toEqual([
      {
        file: '/app/loader.py',
        line: 88,
        name: 'load_chunk',
        code: ['return row["sku"]', '       ~~~^^^^^^^'],
        isOwn: true,
      },
    ])
  })

  it('tells library frames from own ones', () => {
    const [last] = parseTraceback(CHAINED)
    expect(last?.frames.map(({ isOwn }) => isOwn)).toEqual([true, false, false])
    expect(last && stretchesOf(last.frames).map(({ isOwn, frames }) => [isOwn, frames.length])).toEqual([
      [true, 1],
      [false, 2],
    ])
  })

  it('opens the last frame where none is own', () => {
    const [, , library] = [null, null, parseTraceback(CHAINED)[0]?.frames.slice(1) ?? []]
    expect(stretchesOf(library).map(({ isOwn }) => isOwn)).toEqual([false, true])
  })

  it('names an error that came while another was handled', () => {
    const text = CHAINED.replace(
      'The above exception was the direct cause of the following exception:',
      'During handling of the above exception, another exception occurred:',
    )
    expect(parseTraceback(text)[1]?.link).toBe('context')
  })

  it('takes the members of a group as errors of their own', () => {
    const group = `  + Exception Group Traceback (most recent call last):
  |   File "/app/flow.py", line 3, in flow
  |     async with TaskGroup() as group:
  | ExceptionGroup: unhandled errors (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/flow.py", line 9, in one
    |     raise KeyError("one")
    | KeyError: 'one'
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "/app/flow.py", line 10, in two
    |     raise KeyError("two")
    | KeyError: 'two'
    +------------------------------------`
    const errors = parseTraceback(group)
    expect(errors.map(({ text }) => text)).toEqual([
      "KeyError: 'two'",
      "KeyError: 'one'",
      'ExceptionGroup: unhandled errors (2 sub-exceptions)',
    ])
    expect(errors.map(({ frames }) => frames.map(({ line, code }) => [line, ...code]))).toEqual([
      [[10, 'raise KeyError("two")']],
      [[9, 'raise KeyError("one")']],
      [[3, 'async with TaskGroup() as group:']],
    ])
  })

  it('keeps what it does not understand, each line of it', () => {
    for (const text of ['boom', 'some other\nlanguage: line 7', 'Traceback …\nKeyError']) {
      expect(parseTraceback(text)).toEqual([{ frames: [], text, link: null }])
    }
    expect(parseTraceback('')).toEqual([])
  })

  it('keeps a note that frames repeat', () => {
    const text = `Traceback (most recent call last):
  File "/app/a.py", line 1, in again
    again()
  [Previous line repeated 995 more times]
RecursionError: maximum recursion depth exceeded`
    expect(parseTraceback(text)[0]?.frames[0]?.code.at(-1)).toContain('repeated 995 more times')
  })
})
