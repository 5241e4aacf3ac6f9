/** What stands in the form and what it says: drafts to an input with its faults, and the server's names to places. */

import { isRecord } from '../../core/events'
import { BRANCH, behind, branchesOf, isTag, itemsOf, propertiesOf, type Shown } from './formSchema'
import { faultOf } from './validator'

/** Where a part of the input stands. */
export type Path = readonly (string | number)[]
export type Fault = { readonly path: Path; readonly message: string }

const UNREADABLE = '\u0000unreadable'

/** Text that is typed where it cannot be read (yet), in the place of a value. */
export function unreadable(text: string, message: string): unknown {
  return { [UNREADABLE]: text, message }
}

export function unreadableText(draft: unknown): string | undefined {
  const text = isRecord(draft) ? draft[UNREADABLE] : undefined
  return typeof text === 'string' ? text : undefined
}

/** The branch of a choice that a draft is of: by its tag, else by its type. */
export function branchAt(root: Shown, node: Shown, draft: unknown): Shown | undefined {
  const branches = branchesOf(node).map(each => behind(root, each))
  if (draft === undefined || draft === null) return branches.find(isNothing) ?? branches[0]
  const tag = isRecord(node['discriminator']) ? String(node['discriminator']['propertyName']) : ''
  const tagged = branches.find(
    each => isRecord(draft) && tag in draft && propertiesOf(each)[tag]?.['const'] === draft[tag],
  )
  const typed = branches.find(each => each.as !== 'json' && faultOf(each, draft) === null)
  const some = branches.filter(each => !isNothing(each))
  return tagged ?? typed ?? some.find(each => each.as === 'json') ?? some[0]
}

/** An input with the tags that its branches have only here; each is the first one that it fits. */
export function withTags(root: Shown, node: Shown, value: unknown): unknown {
  const at = behind(root, node)
  const branches = branchesOf(at)
  if (branches.length > 0) {
    const shown = branches.filter(each => canShowValue(root, each, value, true))
    const fitting = shown.find(each => faultsOf(root, each, value).length === 0) ?? shown[0]
    return fitting ? withTags(root, fitting, value) : value
  }
  if (Array.isArray(value))
    return at['type'] === 'array' ? value.map(each => withTags(root, itemsOf(at), each)) : value
  if (!isRecord(value)) return value
  const properties = propertiesOf(at)
  const tag = properties[BRANCH]?.['const']
  const parts = Object.entries(value).map(([name, part]) => {
    const inner = own(properties, name) ?? (at.as === 'map' ? itemsOf(at) : undefined)
    return [name, inner ? withTags(root, inner, part) : part] as const
  })
  return { ...(tag !== undefined && { [BRANCH]: tag }), ...Object.fromEntries(parts) }
}

function faultsOf(root: Shown, node: Shown, value: unknown): Fault[] {
  const faults: Fault[] = []
  new Reader(root, faults).read(node, value, true, [])
  return faults
}

function isNothing(node: Shown): boolean {
  return node['type'] === 'null'
}

/** Read what stands in the form: the input to send, without what was left empty, and what is wrong with it. */
export function readDraft(root: Shown, draft: unknown): { input: Record<string, unknown>; faults: Fault[] } {
  const faults: Fault[] = []
  const input = new Reader(root, faults).read(root, draft ?? {}, true, [])
  return { input: isRecord(input) ? input : {}, faults }
}

class Reader {
  constructor(
    private readonly root: Shown,
    private readonly faults: Fault[],
  ) {}

  read(node: Shown, draft: unknown, required: boolean, path: Path): unknown {
    const at = behind(this.root, node)
    if (isRecord(draft) && unreadableText(draft) !== undefined) {
      this.faults.push({ path, message: String(draft['message']) })
      return undefined
    }
    if (branchesOf(at).length > 0) return this.#choice(at, draft, required, path)
    const value = this.#value(at, draft, required, path)
    if (value === undefined && required) this.faults.push({ path, message: 'is required' })
    const message = value === undefined || (value === null && at.nullable) ? null : faultOf(at, value)
    if (message) this.faults.push({ path, message: value === null ? 'is required' : message })
    return value
  }

  #choice(node: Shown, draft: unknown, required: boolean, path: Path): unknown {
    const branch = branchAt(this.root, node, draft)
    if (!branch || isNothing(branch)) return required ? null : undefined
    return this.read(branch, draft, required, path)
  }

  /** `undefined` is what was left empty: the workflow's own default then holds. */
  #value(node: Shown, draft: unknown, required: boolean, path: Path): unknown {
    if (node.as === 'json') return draft
    if (node.as === 'lines' && Array.isArray(draft)) return kept(node, draft.filter(isWritten), required)
    if (node.as === 'flag') return draft ?? false
    if (isTag(node)) return draft ?? node['const']
    if (node['type'] === 'array') return this.#list(node, draft, required, path)
    if (node.as === 'map') return this.#map(node, draft, required, path)
    if (node['type'] === 'object') return this.#object(node, draft, required, path)
    return draft ?? (required && node.nullable ? null : undefined)
  }

  #list(node: Shown, draft: unknown, required: boolean, path: Path): unknown {
    if (!Array.isArray(draft)) return draft ?? kept(node, [], required)
    const items = itemsOf(node)
    const read = draft.map((item: unknown, index) => this.read(items, item, true, [...path, index]) ?? null)
    return kept(node, read, required)
  }

  #map(node: Shown, draft: unknown, required: boolean, path: Path): unknown {
    if (!isRecord(draft)) return draft ?? kept(node, {}, required)
    const values = itemsOf(node)
    if ('' in draft) this.faults.push({ path: [...path, ''], message: 'needs a name' })
    const named = Object.entries(draft).filter(([name]) => name !== '')
    const read = named.map(
      ([name, value]) => [name, this.read(values, value, true, [...path, name])] as const,
    )
    return kept(node, Object.fromEntries(read.filter(([, value]) => value !== undefined)), required)
  }

  #object(node: Shown, draft: unknown, required: boolean, path: Path): unknown {
    if (!isRecord(draft ?? {}) || (draft === undefined && !required)) return draft
    const properties = propertiesOf(node)
    const given = isRecord(draft) ? draft : {}
    const names = new Set([...Object.keys(properties), ...Object.keys(given)])
    names.delete(BRANCH)
    const read = [...names].map(name => {
      const property = own(properties, name)
      const value = own(given, name)
      return [
        name,
        property ? this.read(property, value, isRequired(node, name), [...path, name]) : value,
      ] as const
    })
    return Object.fromEntries(read.filter(([, value]) => value !== undefined))
  }
}

/** An empty list or map is left out where that means the same. */
function kept(node: Shown, value: readonly unknown[] | Record<string, unknown>, required: boolean): unknown {
  const isEmpty = Object.keys(value).length === 0
  const standard = node['default']
  const meansSame = !required && (standard === undefined || Object.keys(Object(standard)).length === 0)
  return isEmpty && meansSame ? undefined : value
}

function isWritten(line: unknown): boolean {
  return typeof line !== 'string' || line.trim() !== ''
}

/** A key may be called as what every object has. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function isRequired(node: Shown, name: string): boolean {
  return Array.isArray(node['required']) && node['required'].includes(name)
}

/** Whether fields can show all of a value, so that nothing is hidden or lost. */
export function canShowValue(root: Shown, node: Shown, value: unknown, required: boolean): boolean {
  const at = behind(root, node)
  if (value === undefined || at.as === 'json') return true
  const branches = branchesOf(at)
  if (branches.length > 0) return branches.some(each => canShowValue(root, each, value, true))
  if (value === null) return isNothing(at) || Boolean(at.nullable) || !required
  if (isTag(at)) return value === at['const']
  if (Array.isArray(at['enum'])) return at['enum'].includes(value)
  const each = (part: unknown) => canShowValue(root, itemsOf(at), part, true)
  switch (at['type']) {
    case 'array':
      if (at.as === 'lines') return Array.isArray(value) && value.every(isOneLine)
      return Array.isArray(value) && value.every(each)
    case 'object':
      if (!isRecord(value)) return false
      if (at.as === 'map') return Object.values(value).every(each)
      return Object.entries(value).every(([name, part]) => {
        const property = own(propertiesOf(at), name)
        return property && name !== BRANCH && canShowValue(root, property, part, isRequired(at, name))
      })
    case 'integer':
      return Number.isInteger(value)
    default:
      return typeof value === at['type']
  }
}

function isOneLine(value: unknown): boolean {
  return typeof value === 'string' && isWritten(value) && !value.includes('\n')
}

/**
 * Where the server's name of a part, "rows[0].sku", is shown: as near to it as the form has a field.
 *
 * @returns the path, and what of the name is left; names that the form does not know lead nowhere
 */
export function placeOf(root: Shown, draft: unknown, name: string): { path: Path; rest: string } {
  let at: Shown = root
  let value = draft
  let rest = name
  const path: (string | number)[] = []
  for (;;) {
    at = behind(root, at)
    if (branchesOf(at).length > 0) at = branchAt(root, at, value) ?? {}
    const step = rest === '' ? null : stepInto(at, value, rest)
    if (!step) return { path, rest: rest.replace(/^\./, '') }
    path.push(step.key)
    at = step.node
    value = partAt(value, [step.key])
    rest = rest.slice(step.chars)
  }
}

type Step = { key: string | number; node: Shown; chars: number }

function stepInto(node: Shown, value: unknown, rest: string): Step | null {
  if (node.as === 'json' || node.as === 'lines') return null
  const index = /^\[(\d+)\]/.exec(rest)
  if (index?.[1]) {
    const key = Number(index[1])
    const isThere = node['type'] === 'array' && Array.isArray(value) && key < value.length
    return isThere ? { key, node: itemsOf(node), chars: index[0].length } : null
  }
  const properties = Object.entries(propertiesOf(node)).filter(([, property]) => !isTag(property))
  const values = node.as === 'map' && isRecord(value) ? Object.keys(value) : []
  const nodes = new Map<string, Shown>([...properties, ...values.map(key => [key, itemsOf(node)] as const)])
  const dot = rest.startsWith('.') ? 1 : 0
  // A key may have dots of its own: the longest that fits is meant.
  const keys = [...nodes.keys()].sort((one, other) => other.length - one.length)
  const key = keys.find(
    each => each !== '' && /^($|[.[])/.test(rest.slice(dot + each.length)) && rest.startsWith(each, dot),
  )
  const found = key === undefined ? undefined : nodes.get(key)
  return key !== undefined && found ? { key, node: found, chars: dot + key.length } : null
}

export function partAt(value: unknown, path: Path): unknown {
  const step = (at: unknown, key: string | number) =>
    typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined
  return path.reduce(step, value)
}
