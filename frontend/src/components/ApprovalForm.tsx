import { type FormEvent, useId, useMemo, useState } from 'react'
import type { Answer } from '../api/http'
import { isRecord } from '../core/events'
import { plainForm } from '../core/inputForm'
import { useInputForm } from '../hooks/useInputForm'
import { useRememberedName } from '../hooks/useRememberedName'
import { InputFields } from './InputFields'
import { Icon } from './icons'

/** As the server has it. */
const MAX_NAME_CHARS = 100
const MAX_REASON_CHARS = 2_000
const NO_FORM = {}

export type ApprovalFormProps = {
  /** JSON Schema of what comes with a yes; `null` where it is only yes or no. */
  form: unknown
  onAnswer: (answer: Answer) => Promise<void>
}

/** Yes with its values, or no; once sent it stays so until the event of the answer takes the form away. */
export function ApprovalForm({ form, onAnswer }: ApprovalFormProps) {
  const schema = isRecord(form) ? form : NO_FORM
  const model = useMemo(() => plainForm(schema), [schema])
  const { drafts, errors, element, setDrafts, submit, attempt } = useInputForm(model)
  const [name, setName] = useRememberedName()
  const [reason, setReason] = useState('')
  const [sent, setSent] = useState<boolean | null>(null)
  const id = useId()
  const send = async (answer: Answer) => {
    setSent(answer.approved)
    try {
      await onAnswer({ ...answer, reason: reason.trim(), by: name.trim() })
    } catch (refusal) {
      setSent(null)
      throw refusal
    }
  }
  const approve = () =>
    submit(values => send(isRecord(form) ? { approved: true, values } : { approved: true }))
  const reject = () => attempt(() => send({ approved: false }))
  // Enter in a field decides nothing: only a button that says so does.
  const ignore = (event: FormEvent) => event.preventDefault()
  return (
    <form ref={element} className="headway-form headway-approval__form" onSubmit={ignore} noValidate>
      <fieldset className="headway-approval__fields" disabled={sent !== null}>
        <InputFields id={id} fields={model.fields} drafts={drafts} errors={errors} onChange={setDrafts} />
        <div className="headway-approval__who">
          <div className="headway-form__field">
            <label htmlFor={`${id}reason`}>Reason</label>
            <input
              id={`${id}reason`}
              type="text"
              value={reason}
              maxLength={MAX_REASON_CHARS}
              placeholder="optional; tells the others why"
              autoComplete="off"
              onChange={event => setReason(event.target.value)}
            />
          </div>
          <div className="headway-form__field">
            <label htmlFor={`${id}by`}>Your name</label>
            <input
              id={`${id}by`}
              type="text"
              value={name}
              maxLength={MAX_NAME_CHARS}
              placeholder="optional; stands in the log"
              autoComplete="name"
              onChange={event => setName(event.target.value)}
            />
          </div>
        </div>
      </fieldset>
      {errors[''] && (
        <p className="headway-form__error" role="alert">
          {errors['']}
        </p>
      )}
      <div className="headway-form__submit">
        <button
          type="button"
          className="headway-button headway-button--primary"
          disabled={sent !== null}
          onClick={approve}
        >
          <Icon name={sent === true ? 'running' : 'completed'} />
          {sent === true ? 'Sending…' : 'Approve'}
        </button>
        <button type="button" className="headway-button" disabled={sent !== null} onClick={reject}>
          <Icon name={sent === false ? 'running' : 'failed'} />
          {sent === false ? 'Sending…' : 'Reject'}
        </button>
      </div>
    </form>
  )
}
