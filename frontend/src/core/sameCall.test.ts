import { describe, expect, it } from 'vitest'
import { callAs, pythonLiteral } from './sameCall'

const call = {
  workflowId: 'audit',
  source: '/srv/flows.py',
  input: { path: "it's", limit: null, all: true },
  base: 'http://127.0.0.1:8321/headway/',
}

describe('the same call', () => {
  it('in a terminal quotes what the shell would take apart', () => {
    expect(callAs('cli', call)).toBe(
      `echo '{"path":"it'\\''s","limit":null,"all":true}' |\n  headway run /srv/flows.py:audit --json -`,
    )
    expect(callAs('cli', { ...call, input: {} })).toBe('headway run /srv/flows.py:audit')
    expect(callAs('cli', { ...call, source: '/my files/a.py', input: {} })).toBe(
      "headway run '/my files/a.py:audit'",
    )
  })

  it('in Python says None and True', () => {
    const text = callAs('python', call)
    expect(text).toContain('Client("http://127.0.0.1:8321/headway")')
    expect(text).toContain('"limit": None,\n')
    expect(text).toContain('"all": True,\n')
  })

  it('with curl names the server with its path prefix', () => {
    const text = callAs('curl', call)
    expect(text).toContain('http://127.0.0.1:8321/headway/api/workflows/audit/executions')
    expect(text).toContain(`'{"input":{"path":"it'\\''s","limit":null,"all":true}}'`)
  })
})

it.each([
  [null, 'None'],
  [[1, false, 'x'], '[1, False, "x"]'],
  [{}, '{}'],
  [{ a: 1 }, '{"a": 1}'],
  [{ a: { b: 1, c: 2 }, d: [] }, '{\n    "a": {\n        "b": 1,\n        "c": 2,\n    },\n    "d": [],\n}'],
])('%j is %s in Python', (value, text) => {
  expect(pythonLiteral(value)).toBe(text)
})
