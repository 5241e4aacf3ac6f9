import type { RJSFSchema } from '@rjsf/utils'
import { describe, expect, it } from 'vitest'
import type { Shown } from './formSchema'
import { faultOf, validator } from './validator'

describe('what is wrong with a value', () => {
  it.each<[Shown, unknown, string | null]>([
    [{ type: 'string' }, 'a', null],
    [{ type: 'string' }, 1, 'is no text'],
    [{ type: 'integer' }, 1.5, 'must be a whole number'],
    [{ type: 'integer' }, 2, null],
    [{ type: 'number' }, 'x', 'is no number'],
    [{ type: 'boolean' }, null, 'is neither yes nor no'],
    [{ type: 'number', minimum: 1 }, 0, 'must be at least 1'],
    [{ type: 'number', maximum: 80 }, 81, 'must be at most 80'],
    [{ type: 'number', exclusiveMinimum: 0 }, 0, 'must be more than 0'],
    [{ type: 'number', exclusiveMaximum: 1 }, 1, 'must be less than 1'],
    [{ type: 'number', multipleOf: 0.1 }, 0.25, 'must be a multiple of 0.1'],
    [{ type: 'string', minLength: 1 }, '', 'is required'],
    [{ type: 'string', minLength: 3 }, 'ab', 'must have at least 3 characters'],
    [{ type: 'string', maxLength: 1 }, 'ab', 'must have at most 1 characters'],
    [{ type: 'string', pattern: '^a' }, 'b', 'must match ^a'],
    [
      { type: 'string', pattern: '^\\d{4}$', form: 'date' },
      'x',
      'is not as expected. A date, as 2026-11-22.',
    ],
    [{ enum: ['a', 'b'] }, 'c', 'must be one of a, b'],
    [{ type: 'array', minItems: 2 }, [1], 'needs at least 2'],
    [{ type: 'array', maxItems: 1 }, [1, 2], 'takes at most 1'],
    [{ type: 'array', uniqueItems: true }, [1, 1], 'has something twice'],
    [{ type: 'object', propertyNames: { enum: ['a'] } }, { b: 1 }, 'has a name that is not allowed'],
  ])('%j of %j', (schema, value, expected) => {
    expect(faultOf(schema, value)).toBe(expected)
  })

  it('is told of the value itself, not of its parts', () => {
    const schema = { type: 'object', required: ['a'], properties: { b: { type: 'string' } } }
    expect(faultOf(schema, { b: 1 })).toBeNull()
  })
})

it('knows whether a value fits, whatever the base of references before it was', () => {
  const root: RJSFSchema = {
    $defs: { A: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } } },
  }
  expect(validator.isValid({ $id: 'elsewhere', $ref: '#/$defs/A' }, { a: 'x' }, root)).toBe(true)
  expect(validator.isValid({ $ref: '#/$defs/A' }, { a: undefined }, root)).toBe(false)
  expect(validator.isValid({ type: 'null' }, undefined, root)).toBe(true)
})

it('compiles nothing', () => {
  const { Function: before } = globalThis
  globalThis.Function = (() => {
    throw new Error('the policy forbids it')
  }) as unknown as FunctionConstructor
  try {
    expect(faultOf({ type: 'string', pattern: '^a$' }, 'a')).toBeNull()
  } finally {
    globalThis.Function = before
  }
})
