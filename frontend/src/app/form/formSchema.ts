/**
 * A workflow's JSON Schema as one that a form can show: what type hints spread over references, `anyOf` and
 * `const` becomes one field each. Pure; knows neither React nor what shows it.
 *
 * What is left are the kinds of `Shown`, each with a title. `or nothing` is no branch of a choice, except around
 * objects, where it says whether there is one. Branches that are objects carry a tag that tells them apart.
 */

import { isRecord } from '../../core/events'
import { resolve, type Schema, titled } from '../../core/inputForm'
import { isSecret } from '../../core/secretInput'

/** The tag of a branch that has none of its own; never sent. */
export const BRANCH = '\u0000branch'
/** Where an unknown amount of schema is at most written out. */
const MAX_NODES = 2_000
const SCALARS = new Set(['string', 'integer', 'number', 'boolean'])
const LIMITS = [
  ...['minLength', 'maxLength', 'pattern', 'minItems', 'maxItems', 'uniqueItems', 'minProperties'],
  ...['maxProperties', 'propertyNames', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  'multipleOf',
]
/** Written as text; a machine reads it, so its form is said and checked. */
export const FORMATS: Readonly<Record<string, { help: string; pattern: string }>> = {
  date: { help: 'A date, as 2026-11-22.', pattern: '^\\d{4}-\\d\\d-\\d\\d$' },
  time: {
    help: 'A time, as 21:30 or 21:30:00Z.',
    pattern: '^\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?(Z|[+-]\\d\\d:?\\d\\d)?$',
  },
  'date-time': {
    help: 'A date and time, as 2026-11-22T21:30:00Z.',
    pattern: '^\\d{4}-\\d\\d-\\d\\d[Tt ]\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?([Zz]|[+-]\\d\\d:?\\d\\d)?$',
  },
}

/** How a part is shown where its type alone does not tell. */
export type As = 'json' | 'lines' | 'map' | 'flag'
/** Where it stands: a branch of a choice and an item of a list have no frame and no label of their own. */
export type Place = 'field' | 'branch' | 'item'
export type Shown = {
  readonly [keyword: string]: unknown
  readonly as?: As
  readonly place?: Place
  /** Leaving it empty says so. */
  readonly nullable?: boolean
  /** One of `FORMATS`. */
  readonly form?: string
  /** Shown as dots. */
  readonly secret?: boolean
}

/** The schema to show; the root is an object, whatever was given. */
export function formSchema(schema: Schema): Shown {
  return new Writer(schema).root()
}

/** The node behind a reference; what stands beside the reference holds over it. */
export function behind(root: Shown, node: Shown): Shown {
  const ref = node['$ref']
  const target = typeof ref === 'string' ? resolve(root, ref) : undefined
  return isRecord(target) ? { ...target, ...node } : node
}

export function branchesOf(node: Shown): readonly Shown[] {
  return Array.isArray(node['anyOf']) ? node['anyOf'] : []
}

export function propertiesOf(node: Shown): Readonly<Record<string, Shown>> {
  return isRecord(node['properties']) ? (node['properties'] as Record<string, Shown>) : {}
}

/** What each item of a list, or each value of a map, is. */
export function itemsOf(node: Shown): Shown {
  const items = node.as === 'map' ? node['additionalProperties'] : node['items']
  return isRecord(items) ? items : {}
}

/** Told by the schema, not by a person. */
export function isTag(node: Shown): boolean {
  return 'const' in node
}

/** What a schema may be; `inside` are the names it was reached through, so that one within itself ends. */
type Option = { readonly schema: Schema; readonly inside: readonly string[] }
type Options = { readonly branches: readonly Option[]; readonly nullable: boolean }

class Writer {
  readonly #defs: Record<string, Shown> = {}
  readonly #names = new Map<string, string>()
  #nodes = 0

  constructor(private readonly source: Schema) {}

  root(): Shown {
    return { ...this.#object(this.source), $defs: this.#defs }
  }

  #object(schema: Schema): Shown {
    const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
    const properties = Object.entries(recordOf(schema['properties'])).flatMap(([name, raw]) =>
      isRecord(raw) ? [[name, this.#property(name, raw, required.includes(name))] as const] : [],
    )
    const isClosed = schema['additionalProperties'] === false
    const closed = isClosed ? { additionalProperties: false } : {}
    return { type: 'object', properties: Object.fromEntries(properties), required, ...closed }
  }

  #property(name: string, raw: Schema, required: boolean): Shown {
    const title = text(raw['title']) || titled(name)
    return { ...this.#node(raw, required, []), title, place: 'field' }
  }

  #node(raw: Schema, required: boolean, inside: readonly string[]): Shown {
    const options = this.#options(raw, inside)
    const branches = simplified(options.branches)
    const about = this.#about(raw, branches, options.nullable)
    const [only] = branches
    if (++this.#nodes > MAX_NODES || !only) return { ...about, as: 'json' }
    const values = valuesOf(branches)
    if (values) return choice(values, required, about)
    const isOptional = about.nullable || (!required && about['default'] === undefined)
    if (branches.length > 1) {
      const written = this.#union(branches)
      return { ...about, ...written, anyOf: [...(isOptional ? [nothing(required)] : []), ...written.anyOf] }
    }
    const node = this.#part(only)
    const isGroup = behind({ $defs: this.#defs }, node)['type'] === 'object' && node.as === undefined
    if (isGroup && isOptional)
      return { ...about, anyOf: [nothing(required), branch(node, this.#name(only.schema))] }
    const asFlag = node['type'] === 'boolean' && !isOptional
    return { ...node, ...about, ...(asFlag && { as: 'flag' }) }
  }

  #about(raw: Schema, branches: readonly Option[], nullable: boolean): Shown {
    const only = branches.length === 1 && branches[0] ? this.#target(branches[0].schema) : {}
    const description = text(raw['description']) || text(only['description'])
    const standard = raw['default'] ?? only['default'] ?? undefined
    return {
      ...(description && { description }),
      ...(standard !== undefined && { default: standard }),
      ...(nullable && { nullable }),
    }
  }

  #union(branches: readonly Option[]): Shown & { anyOf: Shown[] } {
    const objects = branches.map(({ schema }) => this.#target(schema)).filter(isObject)
    const own = tagOf(objects)
    const isTagged = own !== undefined || objects.length > 1
    const anyOf = branches.map((option, index) => {
      const node = this.#part(option, isTagged && own === undefined ? index : undefined)
      return branch(node, this.#name(option.schema))
    })
    return { anyOf, ...(isTagged && { discriminator: { propertyName: own ?? BRANCH } }) }
  }

  /** Without "or null", and through references to what is no object. */
  #options(raw: Schema, inside: readonly string[]): Options {
    const ref = raw['$ref']
    if (typeof ref === 'string') {
      const target = resolve(this.source, ref)
      if (!isRecord(target) || inside.includes(ref)) return one({}, inside)
      return isObject(target)
        ? one(raw, inside)
        : this.#options({ ...target, ...beside(raw) }, [...inside, ref])
    }
    const [all] = Array.isArray(raw['allOf']) && raw['allOf'].length === 1 ? raw['allOf'] : []
    if (isRecord(all)) return this.#options({ ...all, ...beside(raw) }, inside)
    const any = raw['anyOf'] ?? raw['oneOf']
    if (Array.isArray(any)) {
      const each = any.filter(isRecord).map(option => this.#options(option, inside))
      const nullable = each.some(option => option.nullable)
      return { branches: each.flatMap(option => option.branches), nullable }
    }
    if (Array.isArray(raw['type'])) {
      const types = raw['type'].filter(type => type !== 'null')
      const branches = types.map(type => ({ schema: { ...raw, type }, inside }))
      return { branches, nullable: types.length < raw['type'].length }
    }
    return raw['type'] === 'null' ? { branches: [], nullable: true } : one(raw, inside)
  }

  /** @param number of the branch, where it needs one to be told apart */
  #part({ schema, inside }: Option, number?: number): Shown {
    const { $ref: ref, type } = schema
    if (typeof ref === 'string') return { $ref: this.#reference(ref, number) }
    if (isObject(schema)) return tagged(this.#object(schema), number)
    const values = valuesOf([{ schema, inside }])
    if (values) return choice(values, true, {})
    const limits = Object.fromEntries(LIMITS.filter(name => name in schema).map(name => [name, schema[name]]))
    if (type === 'object' && isRecord(schema['additionalProperties']) && !schema['patternProperties']) {
      const value = this.#node(schema['additionalProperties'], true, inside)
      return { type, ...limits, as: 'map', additionalProperties: { ...value, place: 'item' } }
    }
    if (type === 'array' && isRecord(schema['items']) && !schema['prefixItems']) {
      const items = this.#node(schema['items'], true, inside)
      const isLines = items['type'] === 'string' && !items['form'] && !items.nullable && !items.secret
      return { type, ...limits, items: { ...items, place: 'item' }, ...(isLines && { as: 'lines' }) }
    }
    if (!SCALARS.has(text(type))) return { as: 'json' }
    if (isSecret(schema)) return { type, ...limits, secret: true }
    const form = text(schema['format'])
    const format = FORMATS[form]
    return format ? { type, pattern: format.pattern, ...limits, form } : { type, ...limits }
  }

  #reference(ref: string, number?: number): string {
    const key = `${ref} ${number ?? ''}`
    const known = this.#names.get(key)
    const name = known ?? `d${this.#names.size}`
    if (known === undefined) {
      this.#names.set(key, name)
      this.#defs[name] = { type: 'object' } // for what is within itself
      this.#defs[name] = tagged(this.#object(this.#target({ $ref: ref })), number)
    }
    return `#/$defs/${name}`
  }

  #target(schema: Schema): Schema {
    const ref = schema['$ref']
    return typeof ref === 'string' ? { ...recordOf(resolve(this.source, ref)), ...beside(schema) } : schema
  }

  /** What a branch is called: "CsvSource" is "Csv source". */
  #name(schema: Schema): string {
    const { title, const: value, type } = this.#target(schema)
    if (text(title)) return words(text(title))
    if (value !== undefined) return String(value)
    if (Array.isArray(schema['enum'])) return 'One of a list'
    return NAMES[text(type)] ?? 'Value'
  }
}

const NAMES: Readonly<Record<string, string>> = {
  ...{ string: 'Text', integer: 'Whole number', number: 'Number', boolean: 'Yes or no' },
  ...{ array: 'List', object: 'Names and values' },
}

function one(schema: Schema, inside: readonly string[]): Options {
  return { branches: [{ schema, inside }], nullable: false }
}

function beside({ $ref: _ref, allOf: _all, ...rest }: Schema): Schema {
  return rest
}

/** One branch for what a person writes alike: a whole number is a number, a path a text. */
function simplified(branches: readonly Option[]): readonly Option[] {
  const types = branches.map(({ schema }) => (valuesOf([{ schema, inside: [] }]) ? '' : text(schema['type'])))
  return branches.filter((_, index) => {
    const type = types[index] ?? ''
    if (!SCALARS.has(type)) return true
    if (type === 'integer' && types.includes('number')) return false
    return types.indexOf(type) === index
  })
}

/** All values it may have, where every branch names its own. */
function valuesOf(branches: readonly Option[]): readonly unknown[] | null {
  const each = branches.map(({ schema }) => {
    if (Array.isArray(schema['enum'])) return schema['enum']
    return 'const' in schema ? [schema['const']] : null
  })
  return each.every(values => values !== null) ? each.flat() : null
}

function choice(values: readonly unknown[], required: boolean, about: Shown): Shown {
  const some = values.filter(value => value !== null)
  const nullable = about.nullable || some.length < values.length
  const isGiven = required || about['default'] !== undefined
  if (some.length === 1 && !nullable && isGiven) return { ...about, const: some[0], default: some[0] }
  return { ...about, enum: some, ...(nullable && { nullable }) }
}

/** The property that alone tells which of the objects one is. */
function tagOf(objects: readonly Schema[]): string | undefined {
  const [first] = objects
  return Object.keys(recordOf(first?.['properties'])).find(name => {
    const values = objects.map(each => recordOf(recordOf(each['properties'])[name])['const'])
    return values.every(value => value !== undefined) && new Set(values).size === objects.length
  })
}

function tagged(object: Shown, number: number | undefined): Shown {
  if (number === undefined) return object
  return { ...object, properties: { [BRANCH]: { const: number, default: number }, ...propertiesOf(object) } }
}

function nothing(required: boolean): Shown {
  return { type: 'null', title: required ? 'none' : 'not set', place: 'branch' }
}

function branch(node: Shown, title: string): Shown {
  return { ...node, title, place: 'branch' }
}

function isObject(schema: Schema): boolean {
  return isRecord(schema['properties']) && (schema['type'] ?? 'object') === 'object'
}

function words(name: string): string {
  if (name.includes(' ')) return name
  const split = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/_/g, ' ')
  return (
    split.charAt(0).toUpperCase() + split.slice(1).replace(/ [A-Z](?=[a-z])/g, word => word.toLowerCase())
  )
}

function recordOf(value: unknown): Schema {
  return isRecord(value) ? value : {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
