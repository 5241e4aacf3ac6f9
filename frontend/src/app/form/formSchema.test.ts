import { describe, expect, it } from 'vitest'
import type { Schema } from '../../core/inputForm'
import { BRANCH, behind, formSchema, propertiesOf, type Shown } from './formSchema'

const $defs = {
  Csv: {
    type: 'object',
    title: 'CsvSource',
    properties: { kind: { const: 'csv' }, path: { type: 'string' } },
  },
  Db: { type: 'object', title: 'DbSource', properties: { kind: { const: 'db' }, url: { type: 'string' } } },
  Plain: { type: 'object', title: 'Plain', properties: { x: { type: 'integer' } } },
  Mode: { type: 'string', title: 'Mode', enum: ['full', 'delta'] },
  Json: { anyOf: [{ type: 'string' }, { type: 'array', items: { $ref: '#/$defs/Json' } }] },
  Tree: {
    type: 'object',
    title: 'Tree',
    properties: { children: { type: 'array', items: { $ref: '#/$defs/Tree' } } },
  },
}
const ref = (name: string) => ({ $ref: `#/$defs/${name}` })
const nothing = { type: 'null' }

function shown(property: Schema, required = true): Shown {
  const schema = formSchema({ $defs, properties: { it: property }, required: required ? ['it'] : [] })
  return propertiesOf(schema)['it'] ?? {}
}

describe('a field of a schema', () => {
  it.each<[string, Schema, object]>([
    [
      'a text, or nothing',
      { anyOf: [{ type: 'string' }, nothing], default: null },
      { type: 'string', nullable: true },
    ],
    ['two types, one of them null', { type: ['integer', 'null'] }, { type: 'integer', nullable: true }],
    ['a number with limits', { type: 'number', minimum: 1, maximum: 5 }, { minimum: 1, maximum: 5 }],
    ['a named choice', ref('Mode'), { enum: ['full', 'delta'] }],
    ['a choice, or nothing', { anyOf: [ref('Mode'), nothing] }, { enum: ['full', 'delta'], nullable: true }],
    ['a constant', { const: 'a' }, { const: 'a', default: 'a' }],
    ['a constant, or nothing', { anyOf: [{ const: 'a' }, nothing] }, { enum: ['a'], nullable: true }],
    ['constants', { anyOf: [{ const: 'a' }, { const: 1 }] }, { enum: ['a', 1] }],
    ['a yes or no', { type: 'boolean' }, { as: 'flag' }],
    ['whole numbers and others', { anyOf: [{ type: 'integer' }, { type: 'number' }] }, { type: 'number' }],
    ['a path', { anyOf: [{ type: 'string' }, { type: 'string', format: 'path' }] }, { type: 'string' }],
    ['a date', { type: 'string', format: 'date' }, { type: 'string', form: 'date' }],
    ['texts', { type: 'array', items: { type: 'string' } }, { as: 'lines' }],
    ['numbers', { type: 'array', items: { type: 'number' } }, { items: { type: 'number', place: 'item' } }],
    ['a map', { type: 'object', additionalProperties: { type: 'integer' } }, { as: 'map' }],
    ['anything', {}, { as: 'json' }],
    ['an object of anything', { type: 'object', additionalProperties: true }, { as: 'json' }],
    ['a pair', { type: 'array', prefixItems: [{ type: 'string' }] }, { as: 'json' }],
    ['a reference to nowhere', ref('Nowhere'), { as: 'json' }],
    [
      'one inherited',
      { allOf: [ref('Mode')], default: 'full' },
      { enum: ['full', 'delta'], default: 'full' },
    ],
  ])('is shown: %s', (_, property, expected) => {
    expect(shown(property)).toMatchObject({ title: 'It', place: 'field', ...expected })
  })

  it('is named by its title, else by its key, and helped by what it refers to', () => {
    expect(shown({ type: 'string', title: 'The thing' })).toMatchObject({ title: 'The thing' })
    const about = { ...$defs.Csv, description: 'Rows of a file.' }
    const schema = formSchema({
      $defs: { Csv: about },
      properties: { dry_run: ref('Csv') },
      required: ['dry_run'],
    })
    expect(propertiesOf(schema)['dry_run']).toMatchObject({
      title: 'Dry run',
      description: 'Rows of a file.',
    })
  })

  it('is not asked about where it is yes or no, but may be left open', () => {
    expect(shown({ type: 'boolean' }, false).as).toBeUndefined()
    expect(shown({ type: 'boolean', default: false }, false).as).toBe('flag')
  })
})

describe('a choice of branches', () => {
  const titles = (node: Shown) => (node['anyOf'] as Shown[]).map(each => each['title'])

  it('has readable names', () => {
    expect(titles(shown({ anyOf: [ref('Csv'), ref('Db')] }))).toEqual(['Csv source', 'Db source'])
    const either = { anyOf: [{ type: 'integer' }, { const: 'all' }, { type: 'array', items: {} }] }
    expect(titles(shown(either))).toEqual(['Whole number', 'all', 'List'])
  })

  it('uses the tag that the branches have, declared or not', () => {
    const node = shown({ oneOf: [ref('Csv'), ref('Db')], discriminator: { propertyName: 'kind' } })
    expect(node['discriminator']).toEqual({ propertyName: 'kind' })
    expect(shown({ anyOf: [ref('Csv'), ref('Db')] })['discriminator']).toEqual({ propertyName: 'kind' })
  })

  it('gives them one where they have none', () => {
    const schema = formSchema({
      $defs,
      properties: { it: { anyOf: [ref('Plain'), ref('Csv')] } },
      required: ['it'],
    })
    const node = propertiesOf(schema)['it'] ?? {}
    expect(node['discriminator']).toEqual({ propertyName: BRANCH })
    const tags = (node['anyOf'] as Shown[]).map(each => propertiesOf(behind(schema, each))[BRANCH])
    expect(tags).toEqual([
      { const: 0, default: 0 },
      { const: 1, default: 1 },
    ])
  })

  it('says whether there is an object at all', () => {
    expect(titles(shown({ anyOf: [ref('Plain'), nothing], default: null }, false))).toEqual([
      'not set',
      'Plain',
    ])
    expect(titles(shown({ anyOf: [ref('Plain'), nothing] }))).toEqual(['none', 'Plain'])
    expect(titles(shown(ref('Plain'), false))).toEqual(['not set', 'Plain'])
    expect(shown(ref('Plain'))).toHaveProperty('$ref')
    expect(shown({ ...ref('Plain'), default: { x: 1 } }, false)).toMatchObject({ default: { x: 1 } })
  })

  it('lies flat', () => {
    const inner = { anyOf: [{ type: 'integer' }, nothing] }
    expect(titles(shown({ anyOf: [{ type: 'string' }, inner] }, false))).toEqual([
      'not set',
      'Text',
      'Whole number',
    ])
  })
})

describe('what is within itself', () => {
  it('refers to itself where it is an object', () => {
    const schema = formSchema({ $defs, properties: { tree: ref('Tree') }, required: ['tree'] })
    const tree = behind(schema, propertiesOf(schema)['tree'] ?? {})
    expect(propertiesOf(tree)['children']).toMatchObject({
      items: { $ref: expect.stringMatching('^#/[$]defs/') },
    })
  })

  it('ends as JSON where it is none', () => {
    expect(shown(ref('Json'))).toMatchObject({ anyOf: [{ type: 'string' }, { items: { as: 'json' } }] })
    const circle = { $defs: { A: { $ref: '#/$defs/A' } }, properties: { it: ref('A') } }
    expect(propertiesOf(formSchema(circle))['it']).toMatchObject({ as: 'json' })
  })

  it('is not written out without end', () => {
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`f${n}`, { type: 'string' }]))
    expect(propertiesOf(formSchema({ properties: many }))['f2999']).toMatchObject({ as: 'json' })
  })
})

it('survives what is no schema', () => {
  expect(propertiesOf(formSchema({}))).toEqual({})
  expect(propertiesOf(formSchema({ properties: { a: true, b: { anyOf: 'x', type: 7 } } }))).toMatchObject({
    b: { as: 'json' },
  })
})
