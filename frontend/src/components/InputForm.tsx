import { type FormEvent, useId } from 'react'
import { useInputForm } from '../hooks/useInputForm'
import { InputFields } from './InputFields'
import { Icon } from './icons'

export type InputFormProps = {
  schema: { readonly [key: string]: unknown }
  /** Shown at first in place of the defaults. */
  initial?: unknown
  disabled?: boolean
  /** Why the workflow cannot run now; the button then says so. */
  hint?: string | undefined
  /** What the button says. */
  label?: string
  /** Starts the run; what it throws is shown, at its fields where the server names them. */
  onSubmit: (input: unknown) => Promise<void>
}

/** The form made from a workflow's input schema. */
export function InputForm({ schema, initial, disabled = false, hint, label, onSubmit }: InputFormProps) {
  const { fields, drafts, errors, busy, element, setDrafts, submit } = useInputForm(schema, initial)
  const id = useId()
  const onFormSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (!disabled) void submit(onSubmit)
  }
  return (
    <form ref={element} className="headway-form" onSubmit={onFormSubmit} noValidate>
      {fields.length === 0 && <p className="headway-empty">This workflow takes no input.</p>}
      <InputFields id={id} fields={fields} drafts={drafts} errors={errors} onChange={setDrafts} />
      {errors[''] && (
        <p className="headway-form__error" role="alert">
          {errors['']}
        </p>
      )}
      <div className="headway-form__submit">
        <button type="submit" className="headway-button headway-button--primary" disabled={busy || disabled}>
          <Icon name={busy ? 'running' : 'open'} />
          {busy ? 'Starting…' : (label ?? 'Run')}
        </button>
        {hint && <span className="headway-empty">{hint}</span>}
      </div>
    </form>
  )
}
