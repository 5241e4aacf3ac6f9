import { type FormEvent, useEffect, useId, useMemo } from 'react'
import type { FormModel } from '../core/inputForm'
import { useInputForm } from '../hooks/useInputForm'
import { type FieldsKind, plainFields } from './InputFields'
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
  /** Its fields are there, which may be fetched first. */
  onShown?: (() => void) | undefined
  /** Starts the run; what it throws is shown, at its fields where the server names them. */
  onSubmit: (input: unknown) => Promise<void>
}

/** The form made from a workflow's input schema. */
export function InputForm(props: InputFormProps) {
  return <InputFormOf {...props} kind={plainFields} />
}

/** The same around fields of another kind. */
export function InputFormOf<D, M extends FormModel<D>>({
  kind,
  schema,
  initial,
  disabled = false,
  hint,
  label,
  onShown,
  onSubmit,
}: InputFormProps & { kind: FieldsKind<D, M> }) {
  const model = useMemo(() => kind.modelOf(schema), [kind, schema])
  const { drafts, errors, busy, element, setDrafts, submit } = useInputForm(model, initial)
  const id = useId()
  // biome-ignore lint/correctness/useExhaustiveDependencies: once
  useEffect(() => onShown?.(), [])
  const onFormSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (!disabled) void submit(onSubmit)
  }
  return (
    <form ref={element} className="headway-form" onSubmit={onFormSubmit} noValidate>
      {model.isEmpty && <p className="headway-empty">This workflow takes no input.</p>}
      <kind.Fields id={id} model={model} drafts={drafts} errors={errors} onChange={setDrafts} />
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
