/** What stands in a form made from a JSON Schema, and what is wrong with it. */

import { type RefObject, useEffect, useRef, useState } from 'react'
import { Problem } from '../api/http'
import { isRecord } from '../core/events'
import {
  type FieldFault,
  type FormModel,
  type InputErrors,
  inputOfText,
  placeErrors,
  type Schema,
} from '../core/inputForm'

export type InputFormState<D> = {
  readonly drafts: D
  /** By the model's name of each field; what belongs to no field is under ''. */
  readonly errors: InputErrors
  readonly busy: boolean
  /** The input as JSON where it is written so; `null` while the fields are shown. */
  readonly text: string | null
  /** Of the element around the fields; the first one at fault in it gets the focus. */
  readonly element: RefObject<HTMLFormElement | null>
  setDrafts(drafts: D): void
  setText(text: string): void
  /** Show the fields, or the JSON of what stands in them; stays where something would be lost. */
  writeJson(wanted: boolean): void
  /** Put an input into the form, or into its JSON where the form cannot show it. */
  fill(input: unknown): void
  /** The input as it stands, with what is wrong with it left out. */
  read(): unknown
  /** Read the input and hand it on, unless a field is at fault. */
  submit(send: (input: unknown) => Promise<void>): Promise<void>
  /** Do something without the input; what it throws is shown, at its fields where the server names them. */
  attempt(call: () => Promise<void>): Promise<void>
}

/** A control, or a group that is wrong as a whole. */
const AT_FAULT = '[data-path]:is([aria-invalid="true"], fieldset[data-invalid])'

/** @param initial shown at first in place of the schema's defaults */
export function useInputForm<D>(model: FormModel<D>, initial?: unknown): InputFormState<D> {
  const [drafts, setDrafts] = useState<D>(() => model.draftsOf(initial))
  const [errors, setErrors] = useState<InputErrors>({})
  const [busy, setBusy] = useState(false)
  const [text, setText] = useState<string | null>(null)
  const element = useRef<HTMLFormElement>(null)

  useEffect(() => {
    if (Object.keys(errors).length === 0) return
    const first = element.current?.querySelector<HTMLElement>(AT_FAULT)
    if (first) first.focus()
    else element.current?.querySelector('[role="alert"]')?.scrollIntoView?.({ block: 'nearest' })
  }, [errors])

  const place = (faults: readonly FieldFault[]) =>
    text === null ? model.placeErrors(faults, drafts) : placeErrors([], faults)
  const attempt = async (call: () => Promise<void>) => {
    if (busy) return
    setErrors({})
    setBusy(true)
    try {
      await call()
    } catch (error) {
      setErrors(errorsOf(error, place))
    } finally {
      setBusy(false)
    }
  }
  const show = (input: Schema, asJson: boolean) => {
    setErrors({})
    if (!asJson && model.canShow(input)) {
      setDrafts(model.draftsOf(input))
      setText(null)
      return
    }
    setText(jsonText(input))
    if (!asJson) setErrors({ '': 'The form cannot show all of this input: it stays JSON.' })
  }
  const writeJson = (wanted: boolean) => {
    if (wanted) {
      setErrors({})
      setText(jsonText(model.inputOf(drafts).input))
      return
    }
    const read = inputOfText(text ?? '')
    if ('error' in read) setErrors({ '': `The input ${read.error}` })
    else show(read.input, false)
  }
  const fill = (input: unknown) => show(isRecord(input) ? input : {}, text !== null)
  const read = () => {
    if (text === null) return model.inputOf(drafts).input
    const written = inputOfText(text)
    return 'error' in written ? {} : written.input
  }
  const submit = async (send: (input: unknown) => Promise<void>) => {
    if (text !== null) {
      const written = inputOfText(text)
      if ('error' in written) setErrors({ '': `The input ${written.error}` })
      else await attempt(() => send(written.input))
      return
    }
    const { input, errors } = model.inputOf(drafts)
    if (Object.keys(errors).length > 0) setErrors(errors)
    else await attempt(() => send(input))
  }
  const state = { drafts, errors, busy, text, element }
  return { ...state, setDrafts, setText, writeJson, fill, read, submit, attempt }
}

/** For who would rather write it so; what cannot be read of the form is left out. */
function jsonText(input: Schema): string {
  return JSON.stringify(input, null, 2)
}

function errorsOf(error: unknown, place: (faults: readonly FieldFault[]) => InputErrors): InputErrors {
  if (error instanceof Problem && error.errors.length > 0) return place(error.errors)
  return { '': error instanceof Error ? error.message : String(error) }
}
