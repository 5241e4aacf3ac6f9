import { describe, expect, it } from 'vitest'
import { LOAD_ROWS } from '../../../test/loadRows'
import { BRANCH } from './formSchema'
import { unreadable } from './formValue'
import { errorKey, schemaModel } from './schemaModel'

const model = schemaModel(LOAD_ROWS)
const full = {
  source: { kind: 'table', url: 'db', tables: ['a', 'b c'] },
  columns: [
    { name: 'sku', type: 'text', width: 8 },
    { name: 'sold', type: 'date' },
  ],
  ...{ labels: { 'a.b': 'x', team: 'data' }, limits: { rows: 1.5 }, notice: { to: 'ann', on_success: true } },
  ...{ since: '2026-11-22', until: '2026-11-22T21:30:00', batch: 20, rows: 7, dry_run: true },
  extra: { any: [{ thing: null }] },
}

describe('from drafts to input', () => {
  it('begins with the defaults and sends nothing that was left empty', () => {
    const drafts = model.draftsOf()
    expect(model.inputOf({ ...drafts, source: { kind: 'file', path: 'x.csv', delimiter: ',' } })).toEqual({
      input: {
        ...{ source: { kind: 'file', path: 'x.csv', delimiter: ',' }, columns: [] },
        ...{ batch: 500, rows: 'all', dry_run: false },
      },
      errors: {},
    })
  })

  it('gives back an earlier input unchanged', () => {
    expect(model.canShow(full)).toBe(true)
    expect(model.inputOf(model.draftsOf(full))).toEqual({ input: full, errors: {} })
  })

  it('keeps an empty list where the workflow would have another', () => {
    const lists = schemaModel({
      properties: {
        some: { type: 'array', items: { type: 'integer' }, default: [1] },
        none: { type: 'array', items: { type: 'integer' }, default: [] },
      },
    })
    expect(lists.inputOf({ some: [], none: [] }).input).toEqual({ some: [] })
  })

  it('says nothing, where that must be said', () => {
    const must = schemaModel({
      properties: {
        limit: { anyOf: [{ type: 'number' }, { type: 'null' }] },
        sure: { type: 'boolean' },
        tags: { type: 'array', items: { type: 'string' } },
        map: { type: 'object', additionalProperties: { type: 'string' } },
      },
      required: ['limit', 'sure', 'tags', 'map'],
    })
    expect(must.inputOf(must.draftsOf())).toEqual({
      input: { limit: null, sure: false, tags: [], map: {} },
      errors: {},
    })
  })

  it('names each field at fault, of the branch at hand only', () => {
    const drafts = {
      ...model.draftsOf(),
      source: { kind: 'table', tables: ['a', ''] },
      columns: [{ name: 'a', width: 200 }, {}],
      ...{ labels: { '': 'x' }, limits: { a: unreadable('much', 'is no number') } },
      ...{ notice: {}, since: 'today', until: '2026-11-22', batch: 0 },
    }
    expect(model.inputOf(drafts).errors).toEqual({
      '["source","url"]': 'is required',
      '["columns",0,"width"]': 'must be at most 80',
      '["columns",1,"name"]': 'is required',
      '["labels",""]': 'needs a name',
      '["limits","a"]': 'is no number',
      '["notice","to"]': 'is required',
      '["since"]': 'is not as expected. A date, as 2026-11-22.',
      '["until"]': 'is not as expected. A date and time, as 2026-11-22T21:30:00Z.',
      '["batch"]': 'must be at least 1',
    })
  })
})

describe('branches without a tag', () => {
  const either = schemaModel({
    $defs: {
      A: { type: 'object', properties: { x: { type: 'integer' } }, required: ['x'], title: 'A' },
      B: { type: 'object', properties: { y: { type: 'integer' } }, required: ['y'], title: 'B' },
    },
    properties: {
      it: { anyOf: [{ $ref: '#/$defs/A' }, { $ref: '#/$defs/B' }] },
      all: { type: 'array', items: { anyOf: [{ $ref: '#/$defs/A' }, { $ref: '#/$defs/B' }] } },
    },
    required: ['it', 'all'],
  })

  it('are found again, and their tag is not sent', () => {
    const input = { it: { y: 1 }, all: [{ x: 1 }, { y: 2 }] }
    expect(either.draftsOf(input)).toMatchObject({
      it: { [BRANCH]: 1 },
      all: [{ [BRANCH]: 0 }, { [BRANCH]: 1 }],
    })
    expect(either.inputOf(either.draftsOf(input))).toEqual({ input, errors: {} })
    expect(either.inputOf({ it: { [BRANCH]: 1 }, all: [] }).errors).toEqual({ '["it","y"]': 'is required' })
  })
})

describe('what it can show', () => {
  it.each<[string, object, boolean]>([
    ['nothing', {}, true],
    ['null for what is optional', { notice: null, labels: null }, true],
    ['a field it does not know', { colour: 1 }, false],
    ['one deep within', { columns: [{ name: 'a', colour: 1 }] }, false],
    ['a field called as what every object has', { constructor: 1 }, false],
    ['another type', { batch: 'many' }, false],
    ['a broken number', { batch: 1.5 }, false],
    ['a value that is no choice', { columns: [{ name: 'a', type: 'blob' }] }, false],
    ['a branch that is not there', { source: { kind: 'queue' } }, false],
    ['a text of two lines in a list', { source: { kind: 'table', tables: ['a\nb'] } }, false],
    ['anything as JSON', { extra: { a: [1, { b: null }] } }, true],
    ['either of two types', { rows: 5 }, true],
    ['neither of them', { rows: 'none' }, false],
  ])('%s', (_, input, expected) => {
    expect(model.canShow(input as Record<string, unknown>)).toBe(expected)
  })
})

describe('what the server refuses', () => {
  const drafts = model.draftsOf(full)

  it.each<[string, (string | number)[], string]>([
    ['batch', ['batch'], 'no'],
    ['input.batch', ['batch'], 'no'],
    ['source.url', ['source', 'url'], 'no'],
    ['columns', ['columns'], 'no'],
    ['columns[1].name', ['columns', 1, 'name'], 'no'],
    ['labels.team', ['labels', 'team'], 'no'],
    ['labels.a.b', ['labels', 'a.b'], 'no'],
    ['notice.to', ['notice', 'to'], 'no'],
    ['source.tables[1]', ['source', 'tables'], '[1]: no'],
    ['extra.any[0]', ['extra'], 'any[0]: no'],
    ['source.kind', ['source'], 'kind: no'],
    ['source.path', ['source'], 'path: no'],
    ['columns[7].name', ['columns'], '[7].name: no'],
    ['labels.gone', ['labels'], 'gone: no'],
    ['colour.red', [], 'colour.red: no'],
    ['', [], 'no'],
  ])('of %s stands as near to it as there is a field', (field, path, message) => {
    expect(model.placeErrors([{ field, message: 'no' }], drafts)).toEqual({ [errorKey(path)]: message })
  })

  it('is all told where it is of one field', () => {
    const faults = [
      { field: 'batch', message: 'too many' },
      { field: 'batch', message: 'too odd' },
    ]
    expect(model.placeErrors(faults, drafts)).toEqual({ '["batch"]': 'too many; too odd' })
  })
})
