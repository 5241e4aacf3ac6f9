/** The controls of the form; each carries its id, its errors and its help the same way. */

import type { WidgetProps } from '@rjsf/utils'
import { useState } from 'react'
import { describedBy } from './FieldTemplate'
import type { Shown } from './formSchema'
import { unreadable, unreadableText } from './formValue'

/** Ends the id of the control that chooses a branch. */
const BRANCH_OF = /__anyof_select$/

/** Of any control: the focus goes to the first that is wrong, by `data-path`. */
function bound({ id, schema, required, rawErrors, label }: WidgetProps) {
  const shown: Shown = schema
  const field = id.replace(BRANCH_OF, '')
  return {
    id,
    'data-path': id,
    'aria-invalid': rawErrors && rawErrors.length > 0 ? true : undefined,
    'aria-describedby': describedBy(field, shown, rawErrors),
    'aria-required': required || undefined,
    // A branch and an item have no label that is seen.
    'aria-label': shown.place === 'field' ? undefined : label.replace(/-(\d+)$/, ' $1'),
  } as const
}

function placeholder({ required, schema }: WidgetProps): string | undefined {
  return required || (schema as Shown).place !== 'field' ? undefined : 'optional'
}

export function TextInput(props: WidgetProps) {
  const text = props.value === undefined || props.value === null ? '' : String(props.value)
  const { secret }: Shown = props.schema
  const [isLong, setIsLong] = useState(!secret && text.includes('\n'))
  if (!isLong && !secret && text.includes('\n')) setIsLong(true)
  const control = {
    ...bound(props),
    value: text,
    placeholder: placeholder(props),
    autoComplete: secret ? 'new-password' : 'off',
    spellCheck: false,
    onChange: (event: { target: { value: string } }) => props.onChange(event.target.value || undefined),
  }
  if (isLong) return <textarea {...control} rows={Math.min(12, text.split('\n').length + 1)} />
  return <input {...control} type={secret ? 'password' : 'text'} />
}

export function NumberInput(props: WidgetProps) {
  const isWhole = props.schema.type === 'integer'
  const [typed, setTyped] = useState('')
  // What is typed stays as typed ("1.50"), as long as it says the value that stands in the form.
  const text =
    unreadableText(props.value) ?? (readNumber(typed) === props.value ? typed : shownNumber(props.value))
  const onChange = (typed: string) => {
    setTyped(typed)
    const value = readNumber(typed)
    props.onChange(value === null ? unreadable(typed, 'is no number') : value)
  }
  return (
    <input
      {...bound(props)}
      type="text"
      value={text}
      inputMode={isWhole ? 'numeric' : 'decimal'}
      placeholder={placeholder(props)}
      autoComplete="off"
      onChange={event => onChange(event.target.value)}
    />
  )
}

/** `undefined` where nothing is typed, `null` where it is no number. */
function readNumber(text: string): number | null | undefined {
  if (text.trim() === '') return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : null
}

function shownNumber(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}

export function Checkbox(props: WidgetProps) {
  return (
    <input
      {...bound(props)}
      type="checkbox"
      checked={props.value === true}
      onChange={event => props.onChange(event.target.checked)}
    />
  )
}

/** One of what `enumOptions` names; by its number, for a value can be anything. */
export function Choice(props: WidgetProps) {
  const { enumOptions = [] } = props.options
  const chosen = enumOptions.findIndex(({ value }) => JSON.stringify(value) === JSON.stringify(props.value))
  const isBranch = BRANCH_OF.test(props.id)
  const canBeEmpty = !isBranch && (!props.required || chosen < 0)
  return (
    <select
      {...bound(props)}
      value={chosen < 0 ? '' : chosen}
      onChange={event => props.onChange(enumOptions[Number(event.target.value || -1)]?.value)}
    >
      {canBeEmpty && <option value="">{props.required ? 'Choose…' : 'not set'}</option>}
      {enumOptions.map(({ value, label }, index) => (
        <option key={JSON.stringify(value)} value={index}>
          {value === true ? 'yes' : value === false ? 'no' : label}
        </option>
      ))}
    </select>
  )
}

/** Any number of a few values, each once. */
export function Choices(props: WidgetProps) {
  const { enumOptions = [] } = props.options
  const chosen: readonly unknown[] = Array.isArray(props.value) ? props.value : []
  const { 'aria-invalid': invalid, 'aria-describedby': described } = bound(props)
  const onChange = (value: unknown, isChosen: boolean) => {
    const kept = enumOptions.map(option => option.value)
    props.onChange(kept.filter(each => (each === value ? isChosen : chosen.includes(each))))
  }
  return (
    <div className="app-form__choices">
      {enumOptions.map(({ value, label }, index) => (
        <label key={JSON.stringify(value)}>
          <input
            id={`${props.id}-${index}`}
            data-path={props.id}
            aria-invalid={invalid}
            aria-describedby={described}
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={event => onChange(value, event.target.checked)}
          />
          {label}
        </label>
      ))}
    </div>
  )
}

/** A list of texts, one a line. */
export function Lines(props: WidgetProps) {
  const text = Array.isArray(props.value) ? props.value.join('\n') : ''
  return (
    <textarea
      {...bound(props)}
      rows={Math.min(8, text.split('\n').length + 1)}
      value={text}
      placeholder="one a line"
      spellCheck={false}
      onChange={event =>
        props.onChange(event.target.value === '' ? undefined : event.target.value.split('\n'))
      }
    />
  )
}

/** What has no field of its own, as JSON. */
export function JsonText(props: WidgetProps) {
  const [typed, setTyped] = useState('')
  const read = readJson(typed)
  const isSame = read !== null && JSON.stringify(read.value) === JSON.stringify(props.value)
  const text = unreadableText(props.value) ?? (isSame ? typed : shownJson(props.value))
  const onChange = (typed: string) => {
    setTyped(typed)
    const read = readJson(typed)
    props.onChange(read ? read.value : unreadable(typed, 'is not valid JSON'))
  }
  return (
    <textarea
      {...bound(props)}
      className="headway-form__code"
      rows={5}
      value={text}
      placeholder="JSON"
      spellCheck={false}
      onChange={event => onChange(event.target.value)}
    />
  )
}

function readJson(text: string): { value: unknown } | null {
  if (text.trim() === '') return { value: undefined }
  try {
    return { value: JSON.parse(text) }
  } catch {
    return null
  }
}

function shownJson(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value, null, 2)
}
