/** Inputs that are secrets: shown as `HIDDEN`, as the server shows them. Pure. */

import { isRecord } from './events'
import { resolve, type Schema } from './inputForm'

export const HIDDEN = '**********'

/** Whether the schema says that a value is only ever written. */
export function isSecret(schema: Schema): boolean {
  return schema['writeOnly'] === true
}

/** The input as others may see it: `HIDDEN` in place of each secret. */
export function shownInput(schema: Schema, input: unknown): unknown {
  return shown(schema, [schema], input)
}

/** An input as it is shown, without its secrets: what is to be written anew stays empty. */
export function withoutMasks(input: unknown): unknown {
  if (Array.isArray(input)) return input.filter(each => each !== HIDDEN).map(withoutMasks)
  if (!isRecord(input)) return input
  const kept = Object.entries(input).filter(([, value]) => value !== HIDDEN)
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutMasks(value)]))
}

function shown(root: Schema, schemas: readonly unknown[], value: unknown): unknown {
  const nodes = [...nodesOf(root, schemas)]
  if (typeof value === 'string') return nodes.some(isSecret) ? HIDDEN : value
  if (Array.isArray(value)) {
    return value.map((item, index) => {
      const schemas = nodes.map(({ prefixItems: first, items }) =>
        Array.isArray(first) && index < first.length ? first[index] : items,
      )
      return shown(root, schemas, item)
    })
  }
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const schemas = nodes.map(({ properties, additionalProperties }) =>
        isRecord(properties) && name in properties ? properties[name] : additionalProperties,
      )
      return [name, shown(root, schemas, item)]
    }),
  )
}

/** All that may hold of a value: behind references, in every branch. */
function nodesOf(root: Schema, schemas: readonly unknown[], seen = new Set<Schema>()): Set<Schema> {
  for (const schema of schemas) {
    if (!isRecord(schema) || seen.has(schema)) continue
    seen.add(schema)
    const { $ref: ref, anyOf, oneOf, allOf } = schema
    for (const branches of [anyOf, oneOf, allOf]) if (Array.isArray(branches)) nodesOf(root, branches, seen)
    if (typeof ref === 'string') nodesOf(root, [resolve(root, ref)], seen)
  }
  return seen
}
