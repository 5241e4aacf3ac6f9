import type { ComponentType } from 'react'
import {
  type Draft,
  type Drafts,
  type Field,
  type FormModel,
  type InputErrors,
  type PlainForm,
  plainForm,
  type Schema,
} from '../core/inputForm'

/** How a schema becomes fields on the page: what all forms around them share stands in `useInputForm`. */
export type FieldsKind<D, M extends FormModel<D>> = {
  modelOf(schema: Schema): M
  Fields: ComponentType<FieldsProps<D, M>>
}

export type FieldsProps<D, M extends FormModel<D>> = {
  id: string
  model: M
  drafts: D
  errors: InputErrors
  onChange: (drafts: D) => void
}

/** The small one, of which embedding pages carry no more than a few kilobytes. */
export const plainFields: FieldsKind<Drafts, PlainForm> = {
  modelOf: plainForm,
  Fields: ({ model, ...props }) => <InputFields {...props} fields={model.fields} />,
}

export type InputFieldsProps = {
  id: string
  fields: readonly Field[]
  drafts: Drafts
  errors: InputErrors
  onChange: (drafts: Drafts) => void
}

/** The fields of a form made from a JSON Schema; each leaf carries its path, so that it can be focused by it. */
export function InputFields({ id, fields, drafts, errors, onChange }: InputFieldsProps) {
  return fields.map(field => {
    const draft = drafts[field.name] ?? ''
    const set = (value: Draft) => onChange({ ...drafts, [field.name]: value })
    if (field.kind === 'object' && typeof draft === 'object') {
      return (
        <fieldset key={field.name} className="headway-form__group">
          <legend>{field.label}</legend>
          {field.help && <p className="headway-empty">{field.help}</p>}
          <InputFields id={id} fields={field.fields} drafts={draft} errors={errors} onChange={set} />
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
      return (
        <input
          {...bound}
          type={field.secret ? 'password' : 'text'}
          placeholder={empty}
          autoComplete={field.secret ? 'new-password' : 'off'}
          spellCheck={false}
        />
      )
  }
}
