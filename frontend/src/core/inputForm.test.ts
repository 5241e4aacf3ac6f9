import { describe, expect, it } from 'vitest'
import { draftsOf, fieldsOf, inputOf, leafPaths, placeErrors } from './inputForm'

/** As Pydantic writes it for type hints. */
const schema = {
  type: 'object',
  $defs: {
    Mode: { enum: ['full', 'delta'], title: 'Mode', type: 'string' },
    Options: {
      type: 'object',
      title: 'Options',
      properties: {
        batch: { type: 'integer', default: 20, title: 'Batch' },
        tags: { type: 'array', items: { type: 'string' }, default: [] },
      },
    },
  },
  required: ['path', 'rows', 'mode'],
  properties: {
    path: { type: 'string', title: 'Path', description: 'Where it lies.' },
    rows: { type: 'integer' },
    ratio: { type: 'number', default: 0.5 },
    mode: { $ref: '#/$defs/Mode' },
    limit: { anyOf: [{ type: 'number' }, { type: 'null' }], default: null },
    dry_run: { type: 'boolean', default: false },
    sure: { anyOf: [{ type: 'boolean' }, { type: 'null' }], default: null },
    options: { $ref: '#/$defs/Options', default: { batch: 7, tags: ['a'] } },
    extra: { type: 'object', additionalProperties: { type: 'string' } },
    either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
  },
}
const fields = fieldsOf(schema)

describe('fieldsOf', () => {
  it('finds the kind of each field', () => {
    expect(Object.fromEntries(fields.map(field => [field.name, field.kind]))).toEqual({
      ...{
        path: 'text',
        rows: 'number',
        ratio: 'number',
        mode: 'choice',
        limit: 'number',
        dry_run: 'boolean',
      },
      ...{ sure: 'boolean', options: 'object', extra: 'json', either: 'json' },
    })
  })

  it('names fields by their title, else by their key', () => {
    expect(fields.map(field => field.label)).toContain('Dry run')
    expect(fields[0]).toMatchObject({ label: 'Path', help: 'Where it lies.', required: true })
  })

  it('survives references that lead nowhere or in a circle', () => {
    const odd = {
      properties: { a: { $ref: '#/nowhere' }, b: { $ref: '#/$defs/B' } },
      $defs: { B: { $ref: '#/$defs/B' } },
    }
    expect(fieldsOf(odd).map(field => field.kind)).toEqual(['json', 'json'])
    expect(fieldsOf({})).toEqual([])
  })

  it('shows a type that holds itself as JSON once it gets deep', () => {
    const tree = { type: 'object', properties: { child: { $ref: '#/$defs/Tree' } } }
    const deep = leafPaths(
      fieldsOf({ properties: { tree: { $ref: '#/$defs/Tree' } }, $defs: { Tree: tree } }),
    )
    expect(deep).toEqual(['tree.child.child.child.child'])
  })
})

describe('from drafts to input', () => {
  const filled = { ...draftsOf(fields), path: 'x.csv', rows: '12', mode: '"full"' }

  it('sends what is typed and leaves empty optional fields to the workflow', () => {
    expect(inputOf(fields, filled)).toEqual({
      errors: {},
      input: {
        ...{ path: 'x.csv', rows: 12, ratio: 0.5, mode: 'full', dry_run: false },
        options: { batch: 7, tags: ['a'] },
      },
    })
  })

  it('names each field at fault', () => {
    const drafts = { ...filled, path: ' ', rows: '1.5', ratio: 'much', extra: '{', mode: '' }
    expect(inputOf(fields, drafts).errors).toEqual({
      path: 'is required',
      rows: 'must be a whole number',
      ratio: 'is no number',
      extra: 'is not valid JSON',
      mode: 'is required',
    })
  })

  it('reads lists a line each, yes or no, and JSON', () => {
    const drafts = {
      ...filled,
      sure: 'false',
      extra: '{"k": "v"}',
      options: { batch: '3', tags: 'one\n\ntwo words\n' },
    }
    expect(inputOf(fields, drafts).input).toMatchObject({
      sure: false,
      extra: { k: 'v' },
      options: { batch: 3, tags: ['one', 'two words'] },
    })
  })

  it('gives back an earlier input unchanged', () => {
    const input = {
      ...{ path: 'a', rows: 0, ratio: 1, mode: 'delta', limit: 2.5, dry_run: true, sure: true },
      ...{ options: { batch: 1, tags: ['x', 'y'] }, extra: { k: 'v' }, either: 3 },
    }
    expect(inputOf(fields, draftsOf(fields, input))).toEqual({ input, errors: {} })
  })
})

describe('placeErrors', () => {
  it('puts the server’s errors at their fields, items at their list, the rest at the top', () => {
    const errors = [
      { field: 'rows', message: 'too many' },
      { field: 'options.tags[1]', message: 'too long' },
      { field: 'input.path', message: 'not there' },
      { field: 'colour', message: 'unknown' },
    ]
    expect(placeErrors(fields, errors)).toEqual({
      rows: 'too many',
      'options.tags': 'too long',
      path: 'not there',
      '': 'colour: unknown',
    })
  })
})
