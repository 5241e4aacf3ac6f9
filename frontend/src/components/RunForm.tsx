/** What a person runs a workflow with: its input as a form or as JSON, prefilled, and the same call elsewhere. */

import { type FormEvent, type KeyboardEvent, type ReactNode, useId, useMemo, useState } from 'react'
import type { Workflow } from '../api/decode'
import { formatAgo, parseTime } from '../core/format'
import type { FormModel } from '../core/inputForm'
import { shownInput, withoutMasks } from '../core/secretInput'
import { type InputFormState, useInputForm } from '../hooks/useInputForm'
import { useNow } from '../hooks/useNow'
import { type FieldsKind, plainFields } from './InputFields'
import { InputText } from './InputText'
import { Icon } from './icons'
import { Plan } from './Plan'
import { SameCall } from './SameCall'
import { Switch } from './Switch'

export type RunFormProps = {
  workflow: Workflow
  /** Address of the server, ending in a slash. */
  base: string
  /** Starts the run; with `stay` the page is to remain. What it throws is shown, at its fields where it names them. */
  onRun: (input: unknown, stay: boolean) => Promise<void>
  /** Whether there is another page to go to, so that one may also stay. */
  canStay?: boolean
  /** What the workflow will do, beside the form; by default its plan as a list. */
  plan?: ReactNode
}

export function RunForm(props: RunFormProps) {
  return <RunFormOf {...props} kind={plainFields} />
}

/** The same around fields of another kind. */
export function RunFormOf<D, M extends FormModel<D>>({
  kind,
  workflow,
  base,
  onRun,
  canStay = false,
  plan,
}: RunFormProps & { kind: FieldsKind<D, M> }) {
  const model = useMemo(() => kind.modelOf(workflow.input_schema), [kind, workflow.input_schema])
  const form = useInputForm(model)
  const broken = workflow.import_error !== null
  const run = (stay: boolean) => {
    if (!broken) void form.submit(input => onRun(input, stay))
  }
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    run(false)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.metaKey || event.ctrlKey)) return
    event.preventDefault()
    run(event.shiftKey && canStay)
  }
  return (
    <section className="headway-card headway-run" aria-label={`Run ${workflow.title}`}>
      <form
        ref={form.element}
        className="headway-run__form"
        onSubmit={onSubmit}
        onKeyDown={onKeyDown}
        noValidate
      >
        {workflow.description && <p className="headway-run__description">{workflow.description}</p>}
        {(!model.isEmpty || form.text !== null) && <Prefill form={form} workflow={workflow} />}
        {form.errors[''] && (
          <p className="headway-form__error" role="alert">
            {form.errors['']}
          </p>
        )}
        <Input kind={kind} model={model} form={form} />
        <div className="headway-form__submit">
          <button
            type="submit"
            className="headway-button headway-button--primary"
            disabled={form.busy || broken}
            aria-keyshortcuts="Control+Enter Meta+Enter"
          >
            <Icon name={form.busy ? 'running' : 'open'} />
            {form.busy ? 'Starting…' : 'Run'}
          </button>
          {canStay && (
            <button
              type="button"
              className="headway-button"
              disabled={form.busy || broken}
              onClick={() => run(true)}
            >
              Run and stay
            </button>
          )}
          <span className="headway-empty">
            {broken ? 'Mend the file, then run.' : <kbd className="headway-key">{MOD} Enter</kbd>}
          </span>
        </div>
      </form>
      <aside className="headway-run__aside">
        {plan ?? <Plan steps={workflow.plan} />}
        <SameCall
          call={{
            workflowId: workflow.workflow_id,
            source: workflow.source,
            input: shownInput(workflow.input_schema, form.read()),
            base,
          }}
        />
      </aside>
    </section>
  )
}

const MOD = /mac/i.test(navigator.userAgent) ? '⌘' : 'Ctrl'

/** Form or JSON, and what it is filled with. */
function Prefill<D>({ form, workflow }: { form: InputFormState<D>; workflow: Workflow }) {
  const { latest } = workflow
  const [filled, setFilled] = useState<'defaults' | 'last'>('defaults')
  const now = useNow(false)
  const fill = (what: 'defaults' | 'last') => {
    setFilled(what)
    form.fill(what === 'last' ? withoutMasks(latest?.input) : {})
  }
  return (
    <div className="headway-run__modes">
      <Switch
        label="Write the input as"
        choices={[
          { value: 'form', label: 'Form' },
          { value: 'json', label: 'JSON' },
        ]}
        value={form.text === null ? 'form' : 'json'}
        onChange={as => form.writeJson(as === 'json')}
      />
      {latest && (
        <Switch
          label="Fill in"
          choices={[
            { value: 'defaults', label: 'Defaults' },
            {
              value: 'last',
              label: 'Last run',
              title: `as run ${formatAgo(now - parseTime(latest.created_at))}`,
            },
          ]}
          value={filled}
          onChange={fill}
        />
      )}
    </div>
  )
}

type InputProps<D, M extends FormModel<D>> = { kind: FieldsKind<D, M>; model: M; form: InputFormState<D> }

function Input<D, M extends FormModel<D>>({ kind, model, form }: InputProps<D, M>) {
  const id = useId()
  if (form.text !== null) {
    return (
      <InputText
        id={`${id}json`}
        text={form.text}
        invalid={Boolean(form.errors[''])}
        onChange={form.setText}
      />
    )
  }
  if (model.isEmpty) return <p className="headway-empty">This workflow takes no input.</p>
  return (
    <kind.Fields id={id} model={model} drafts={form.drafts} errors={form.errors} onChange={form.setDrafts} />
  )
}
