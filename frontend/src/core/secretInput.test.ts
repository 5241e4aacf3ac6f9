import { describe, expect, it } from 'vitest'
import { HIDDEN, shownInput, withoutMasks } from './secretInput'

const secret = { type: 'string', format: 'password', writeOnly: true }
const schema = {
  $defs: { Login: { type: 'object', properties: { user: { type: 'string' }, password: secret } } },
  type: 'object',
  properties: {
    token: { anyOf: [secret, { type: 'null' }] },
    login: { $ref: '#/$defs/Login' },
    hosts: { type: 'object', additionalProperties: { $ref: '#/$defs/Login' } },
    pair: { type: 'array', prefixItems: [{ type: 'integer' }, secret] },
    keys: { type: 'array', items: secret },
  },
}

describe('an input with secrets', () => {
  it('is shown without them, wherever they stand', () => {
    const login = { user: 'ada', password: 'p-1' }
    const input = { token: 't-1', login, hosts: { a: login }, pair: [1, 'q-1'], keys: ['k-1'] }

    expect(shownInput(schema, input)).toEqual({
      token: HIDDEN,
      login: { user: 'ada', password: HIDDEN },
      hosts: { a: { user: 'ada', password: HIDDEN } },
      pair: [1, HIDDEN],
      keys: [HIDDEN],
    })
    expect(shownInput(schema, { token: null, other: 'x' })).toEqual({ token: null, other: 'x' })
  })

  it('fills a form without its masks', () => {
    const shown = { token: HIDDEN, login: { user: 'ada', password: HIDDEN }, keys: [HIDDEN], n: 1 }

    expect(withoutMasks(shown)).toEqual({ login: { user: 'ada' }, keys: [], n: 1 })
  })
})
