/**
 * A workflow's input as a form: JSON Schema in, fields out; drafts (what is typed) in, input and errors out.
 *
 * Covers what type hints give: text, numbers, yes or no, choices, lists of text, nested objects, each optional or not.
 * Anything else is a field that takes JSON. What the schema demands beyond that, the server checks and names.
 */

import { isRecord } from './events'

export type Schema = Readonly<Record<string, unknown>>

export type FieldKind = 'text' | 'number' | 'boolean' | 'choice' | 'strings' | 'object' | 'json'
export type Field = {
  kind: FieldKind
  /** Key in its object. */
  name: string
  /** "options.limit": how the server names the field in its errors. */
  path: string
  label: string
  help: string
  required: boolean
  nullable: boolean
  integer: boolean
  /** Shown as dots. */
  secret: boolean
  choices: readonly unknown[]
  default: unknown
  fields: readonly Field[]
}

/** What stands in the form: text for most fields, a boolean, or the drafts of an object. */
export type Draft = string | boolean | Drafts
export type Drafts = { [name: string]: Draft }
export type InputErrors = Readonly<Record<string, string>>

/** A schema as a form: how an input becomes what stands in it, `D`, and what stands in it an input again. */
export type FormModel<D> = {
  /** Nothing can be filled in. */
  readonly isEmpty: boolean
  /** What stands in the form at first: `input` where given (a run again), else the defaults. */
  draftsOf(input?: unknown): D
  /** The input to send, and what is wrong with it, by the model's own name of each field. */
  inputOf(drafts: D): { input: Schema; errors: InputErrors }
  /** Whether the form can show all of an input, so that nothing is lost on the way through it. */
  canShow(input: Schema): boolean
  /** Put the server's errors at the fields; what belongs to none is under ''. */
  placeErrors(errors: readonly FieldFault[], drafts: D): InputErrors
}
/** As the server names what it refuses: "options.tags[1]". */
export type FieldFault = { readonly field: string; readonly message: string }

/** The form that needs no more than text fields: small, for pages that embed it. */
export type PlainForm = FormModel<Drafts> & { readonly fields: readonly Field[] }

export function plainForm(schema: Schema): PlainForm {
  const fields = fieldsOf(schema)
  return {
    fields,
    isEmpty: fields.length === 0,
    draftsOf: input => draftsOf(fields, input),
    inputOf: drafts => inputOf(fields, drafts),
    canShow: input => canShow(fields, input),
    placeErrors: errors => placeErrors(fields, errors),
  }
}

/** The fields of an object schema, in its order. */
export function fieldsOf(schema: Schema): Field[] {
  return objectFields(schema, schema, '', 0)
}

function objectFields(root: Schema, schema: Schema, prefix: string, depth: number): Field[] {
  const properties = isRecord(schema['properties']) ? schema['properties'] : {}
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : [])
  return Object.entries(properties).flatMap(([name, property]) =>
    isRecord(property) ? [fieldOf(root, property, name, prefix + name, required.has(name), depth)] : [],
  )
}

function fieldOf(
  root: Schema,
  raw: Schema,
  name: string,
  path: string,
  required: boolean,
  depth: number,
): Field {
  const { schema, nullable } = plain(root, raw)
  const kind = kindOf(root, schema, depth)
  return {
    kind,
    name,
    path,
    label: text(raw['title']) || titled(name),
    help: text(raw['description']) || text(schema['description']),
    required,
    nullable,
    integer: schema['type'] === 'integer',
    secret: schema['writeOnly'] === true,
    choices: choicesOf(schema),
    default: raw['default'] ?? schema['default'],
    fields: kind === 'object' ? objectFields(root, schema, `${path}.`, depth + 1) : [],
  }
}

/** The schema behind references, single `allOf`s and "or null". */
function plain(
  root: Schema,
  raw: Schema,
  nullable = false,
  depth = 0,
): { schema: Schema; nullable: boolean } {
  const next = (schema: unknown, orNull = nullable) =>
    isRecord(schema) && depth < 20
      ? plain(root, schema, orNull, depth + 1)
      : { schema: raw, nullable: orNull }
  const ref = raw['$ref']
  if (typeof ref === 'string') return next(resolve(root, ref))
  const all = raw['allOf']
  if (Array.isArray(all) && all.length === 1) return next(all[0])
  const any = raw['anyOf'] ?? raw['oneOf']
  if (Array.isArray(any)) {
    const others = any.filter(each => !(isRecord(each) && each['type'] === 'null'))
    if (others.length === 1) return next(others[0], nullable || others.length < any.length)
  }
  const types = raw['type']
  if (Array.isArray(types) && types.includes('null') && types.length === 2) {
    return { schema: { ...raw, type: types.find(type => type !== 'null') }, nullable: true }
  }
  return { schema: raw, nullable }
}

/** What a reference within the schema leads to. */
export function resolve(root: Schema, ref: string): unknown {
  if (!ref.startsWith('#/')) return undefined
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>(
      (at, key) => (isRecord(at) ? at[key.replace(/~1/g, '/').replace(/~0/g, '~')] : undefined),
      root,
    )
}

function kindOf(root: Schema, schema: Schema, depth: number): FieldKind {
  if (choicesOf(schema).length > 0) return 'choice'
  const { type } = schema as { type?: unknown }
  if (type === 'string') return 'text'
  if (type === 'integer' || type === 'number') return 'number'
  if (type === 'boolean') return 'boolean'
  if (type === 'object' && isRecord(schema['properties']) && depth < 4) return 'object'
  if (type === 'array' && isRecord(schema['items'])) {
    const items = plain(root, schema['items'])
    if (items.schema['type'] === 'string' && !items.nullable && !schema['items']['enum']) return 'strings'
  }
  return 'json'
}

function choicesOf(schema: Schema): readonly unknown[] {
  if (Array.isArray(schema['enum'])) return schema['enum'].filter(choice => choice !== null)
  return 'const' in schema ? [schema['const']] : []
}

export function draftsOf(fields: readonly Field[], input?: unknown): Drafts {
  const given = isRecord(input) ? input : {}
  return Object.fromEntries(
    fields.map(field => [field.name, draftOf(field, given[field.name] ?? field.default)]),
  )
}

function draftOf(field: Field, value: unknown): Draft {
  if (field.kind === 'object') return draftsOf(field.fields, value)
  if (field.kind === 'boolean' && !field.nullable) return value === true
  if (value === undefined || value === null) return ''
  if (field.kind === 'strings' && Array.isArray(value)) return value.join('\n')
  if (field.kind === 'json') return JSON.stringify(value, null, 2)
  if (field.kind === 'choice' || field.kind === 'boolean') return JSON.stringify(value)
  return String(value)
}

/** Read the drafts: the input to send, and what is wrong with it by path. */
export function inputOf(fields: readonly Field[], drafts: Drafts): { input: Schema; errors: InputErrors } {
  const errors: Record<string, string> = {}
  const read = (of: readonly Field[], from: Drafts): Schema => {
    const input: Record<string, unknown> = {}
    for (const field of of) {
      const draft = from[field.name] ?? ''
      const value = isDrafts(draft) ? readObject(field, draft) : readValue(field, draft)
      if (value instanceof Unreadable) errors[field.path] = value.message
      else if (value !== undefined) input[field.name] = value
    }
    return input
  }
  const readObject = (field: Field, draft: Drafts): unknown =>
    !field.required && isBlank(field, draft) ? undefined : read(field.fields, draft)
  return { input: read(fields, drafts), errors }
}

class Unreadable {
  constructor(readonly message: string) {}
}

function readValue(field: Field, draft: string | boolean): unknown {
  if (typeof draft === 'boolean') return draft
  if (draft.trim() === '') return blank(field)
  switch (field.kind) {
    case 'number':
      return readNumber(draft, field.integer)
    case 'strings':
      return draft.split('\n').filter(line => line.trim() !== '')
    case 'boolean':
    case 'choice':
    case 'json':
      return readJson(draft)
    default:
      return draft
  }
}

/** An empty field is left out, so that the workflow's own default holds. */
function blank(field: Field): unknown {
  if (!field.required) return undefined
  if (field.nullable) return null
  if (field.kind === 'strings') return []
  return new Unreadable('is required')
}

function readNumber(draft: string, integer: boolean): unknown {
  const value = Number(draft)
  if (!Number.isFinite(value)) return new Unreadable('is no number')
  return integer && !Number.isInteger(value) ? new Unreadable('must be a whole number') : value
}

function readJson(draft: string): unknown {
  try {
    return JSON.parse(draft) as unknown
  } catch {
    return new Unreadable('is not valid JSON')
  }
}

function isBlank(field: Field, drafts: Drafts): boolean {
  return field.fields.every(each => {
    const draft = drafts[each.name] ?? ''
    if (isDrafts(draft)) return isBlank(each, draft)
    return typeof draft === 'boolean' ? draft === (each.default === true) : draft.trim() === ''
  })
}

/** Read an input written as JSON text: an object, or what is wrong with it. */
export function inputOfText(text: string): { input: Schema } | { error: string } {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text)
    return isRecord(value) ? { input: value } : { error: 'must be an object: { … }' }
  } catch (error) {
    return { error: `is not valid JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
}

export function canShow(fields: readonly Field[], input: Schema): boolean {
  const shown = inputOf(fields, draftsOf(fields, input)).input
  return contains(shown, input)
}

/** All of `part` is in `whole`; an empty value may be absent there. */
function contains(whole: unknown, part: unknown): boolean {
  if (isRecord(part)) {
    const within = isRecord(whole) ? whole : {}
    return Object.entries(part).every(([key, value]) => contains(within[key], value))
  }
  if (part === null || part === undefined) return whole === null || whole === undefined
  return JSON.stringify(whole) === JSON.stringify(part)
}

function isDrafts(draft: Draft): draft is Drafts {
  return typeof draft === 'object'
}

/**
 * Put the server's errors at the fields of the form.
 *
 * @returns errors by path; what belongs to no field is under ''.
 */
export function placeErrors(fields: readonly Field[], errors: readonly FieldFault[]): InputErrors {
  const paths = leafPaths(fields)
  const placed: Record<string, string> = {}
  for (const { field, message } of errors) {
    const named = field.replace(/^input\.?/, '')
    const path = paths.find(each => each === named) ?? paths.find(each => isWithin(named, each)) ?? ''
    const said = path === '' && field !== '' ? `${field}: ${message}` : message
    placed[path] = placed[path] ? `${placed[path]}; ${said}` : said
  }
  return placed
}

function isWithin(named: string, path: string): boolean {
  return named.startsWith(`${path}.`) || named.startsWith(`${path}[`)
}

/** Paths of the fields one can type in, in the order of the form. */
export function leafPaths(fields: readonly Field[]): string[] {
  return fields.flatMap(field => (field.kind === 'object' ? leafPaths(field.fields) : [field.path]))
}

/** A key, for people: "dry_run" is "Dry run". */
export function titled(name: string): string {
  const words = name.replace(/_/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
