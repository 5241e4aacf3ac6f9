import { type FormEvent, useEffect, useId, useMemo, useRef, useState } from 'react'
import { Problem } from '../api/http'
import {
  type Draft,
  type Drafts,
  draftsOf,
  type Field,
  fieldsOf,
  type InputErrors,
  inputOf,
  leafPaths,
  placeErrors,
} from '../core/inputForm'
import { Icon } from './icons'

export type InputFormProps = {
  schema: { readonly [key: string]: unknown }
  /** Shown at first in place of the defaults. */
  initial?: unknown
  disabled?: boolean
  /** Why the workflow cannot run now; the button then says so. */
  hint?: string | undefined
  /** Starts the run; what it throws is shown, at its fields where the server names them. */
  onSubmit: (input: unknown) => Promise<void>
}

/** The form made from a workflow's input schema. */
export function InputForm({ schema, initial, disabled = false, hint, onSubmit }: InputFormProps) {
  const fields = useMemo(() => fieldsOf(schema), [schema])
  const [drafts, setDrafts] = useState<Drafts>(() => draftsOf(fields, initial))
  const [errors, setErrors] = useState<InputErrors>({})
  const [busy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const id = useId()

  useEffect(() => {
    const first = leafPaths(fields).find(path => errors[path])
    if (first) form.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(first)}"]`)?.focus()
  }, [errors, fields])

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (busy || disabled) return
    const read = inputOf(fields, drafts)
    setErrors(read.errors)
    if (Object.keys(read.errors).length > 0) return
    setBusy(true)
    try {
      await onSubmit(read.input)
    } catch (error) {
      setErrors(errorsOf(fields, error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <form ref={form} className="headway-form" onSubmit={submit} noValidate>
      {fields.length === 0 && <p className="headway-empty">This workflow takes no input.</p>}
      <Fields id={id} fields={fields} drafts={drafts} errors={errors} onChange={setDrafts} />
      {errors[''] && (
        <p className="headway-form__error" role="alert">
          {errors['']}
        </p>
      )}
      <div className="headway-form__submit">
        <button type="submit" className="headway-button headway-button--primary" disabled={busy || disabled}>
          <Icon name={busy ? 'running' : 'open'} />
          {busy ? 'Starting…' : 'Run'}
        </button>
        {hint && <span className="headway-empty">{hint}</span>}
      </div>
    </form>
  )
}

function errorsOf(fields: readonly Field[], error: unknown): InputErrors {
  if (error instanceof Problem && error.errors.length > 0) return placeErrors(fields, error.errors)
  return { '': error instanceof Error ? error.message : String(error) }
}

type FieldsProps = {
  id: string
  fields: readonly Field[]
  drafts: Drafts
  errors: InputErrors
  onChange: (drafts: Drafts) => void
}

function Fields({ id, fields, drafts, errors, onChange }: FieldsProps) {
  return fields.map(field => {
    const draft = drafts[field.name] ?? ''
    const set = (value: Draft) => onChange({ ...drafts, [field.name]: value })
    if (field.kind === 'object' && typeof draft === 'object') {
      return (
        <fieldset key={field.name} className="headway-form__group">
          <legend>{field.label}</legend>
          {field.help && <p className="headway-empty">{field.help}</p>}
          <Fields id={id} fields={field.fields} drafts={draft} errors={errors} onChange={set} />
        </fieldset>
      )
    }
    return (
      <FieldRow
        key={field.name}
        id={`${id}${field.path}`}
        field={field}
        draft={draft}
        error={errors[field.path]}
        onChange={set}
      />
    )
  })
}

type FieldRowProps = {
  id: string
  field: Field
  draft: Draft
  error: string | undefined
  onChange: (draft: Draft) => void
}

function FieldRow({ id, field, draft, error, onChange }: FieldRowProps) {
  const about = [field.help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(' ')
  const control = {
    id,
    'data-path': field.path,
    'aria-invalid': error ? true : undefined,
    'aria-describedby': about || undefined,
    'aria-required': field.required || undefined,
  } as const
  const isSwitch = typeof draft === 'boolean'
  return (
    <div
      className="headway-form__field"
      data-switch={isSwitch || undefined}
      data-invalid={error ? true : undefined}
    >
      <label htmlFor={id}>
        {field.label}
        {field.required && field.kind !== 'boolean' && <span aria-hidden="true"> *</span>}
      </label>
      {isSwitch ? (
        <input
          {...control}
          type="checkbox"
          checked={draft}
          onChange={event => onChange(event.target.checked)}
        />
      ) : (
        <Control field={field} control={control} draft={String(draft)} onChange={onChange} />
      )}
      {field.help && (
        <p id={`${id}-help`} className="headway-form__help">
          {field.help}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="headway-form__error">
          {error}
        </p>
      )}
    </div>
  )
}

type ControlProps = {
  field: Field
  control: { readonly id: string }
  draft: string
  onChange: (draft: string) => void
}

function Control({ field, control, draft, onChange }: ControlProps) {
  const bound = {
    ...control,
    value: draft,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value),
  }
  const empty = field.required ? undefined : 'optional'
  switch (field.kind) {
    case 'boolean':
    case 'choice':
      return (
        <select {...bound}>
          {(!field.required || draft === '') && (
            <option value="">{field.required ? 'Choose…' : 'not set'}</option>
          )}
          {(field.kind === 'boolean' ? [true, false] : field.choices).map(choice => (
            <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
              {choice === true ? 'yes' : choice === false ? 'no' : String(choice)}
            </option>
          ))}
        </select>
      )
    case 'strings':
      return (
        <textarea
          {...bound}
          rows={Math.min(8, draft.split('\n').length + 1)}
          placeholder="one a line"
          spellCheck={false}
        />
      )
    case 'json':
      return (
        <textarea {...bound} rows={5} className="headway-form__code" placeholder="JSON" spellCheck={false} />
      )
    case 'number':
      return (
        <input
          {...bound}
          inputMode={field.integer ? 'numeric' : 'decimal'}
          placeholder={empty}
          autoComplete="off"
        />
      )
    default:
      return <input {...bound} type="text" placeholder={empty} autoComplete="off" spellCheck={false} />
  }
}
