/** What a schema demands of a value, said in words. Runs no `eval`, which the page's policy forbids. */

import { type Schema as CheckedSchema, type OutputUnit, Validator } from '@cfworker/json-schema'
import type { RJSFSchema, ValidatorType } from '@rjsf/utils'
import { FORMATS, type Shown } from './formSchema'

/** As react-jsonschema-form asks: only which branch of a choice a value fits; faults are told by `faultOf`. */
export const validator: ValidatorType = {
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  rawValidation: () => ({ errors: [] }),
  // An `$id` would become the base of references that are resolved once and for all. What is `undefined` is absent.
  isValid: ({ $id: _id, ...schema }: RJSFSchema, value, root: RJSFSchema) =>
    checks({ ...schema, $defs: root['$defs'] }, JSON.parse(JSON.stringify(value ?? null))).length === 0,
}

/** What is told of the parts, not of the whole. */
const PARTS = [
  '$ref',
  '$defs',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'anyOf',
  'discriminator',
]

/** What is wrong with a value itself, whatever is in it. */
export function faultOf(node: Shown, value: unknown): string | null {
  const own = Object.fromEntries(Object.entries(node).filter(([keyword]) => !PARTS.includes(keyword)))
  const [error] = checks(own, value)
  return error ? said(node, error) : null
}

function checks(schema: Shown, value: unknown): readonly OutputUnit[] {
  return new Validator(schema as CheckedSchema, '2020-12').validate(value).errors
}

const TYPES: Readonly<Record<string, string>> = {
  ...{ string: 'is no text', integer: 'must be a whole number', number: 'is no number' },
  ...{ boolean: 'is neither yes nor no', array: 'is no list', object: 'has no fields' },
}

/** Short, as the small form says it. */
function said(node: Shown, { keyword, error }: OutputUnit): string {
  const limit = node[keyword]
  switch (keyword) {
    case 'type':
      return TYPES[String(limit)] ?? error
    case 'enum':
      return `must be one of ${Array.isArray(limit) ? limit.map(String).join(', ') : ''}`
    case 'minimum':
      return `must be at least ${limit}`
    case 'maximum':
      return `must be at most ${limit}`
    case 'exclusiveMinimum':
      return `must be more than ${limit}`
    case 'exclusiveMaximum':
      return `must be less than ${limit}`
    case 'multipleOf':
      return `must be a multiple of ${limit}`
    case 'minLength':
      return limit === 1 ? 'is required' : `must have at least ${limit} characters`
    case 'maxLength':
      return `must have at most ${limit} characters`
    case 'pattern':
      return node.form ? `is not as expected. ${FORMATS[node.form]?.help}` : `must match ${limit}`
    case 'minItems':
    case 'minProperties':
      return `needs at least ${limit}`
    case 'maxItems':
    case 'maxProperties':
      return `takes at most ${limit}`
    case 'uniqueItems':
      return 'has something twice'
    case 'propertyNames':
      return 'has a name that is not allowed'
    default:
      return error
  }
}
