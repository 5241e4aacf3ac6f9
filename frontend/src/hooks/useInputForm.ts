/** What stands in a form made from a JSON Schema, and what is wrong with it. */

import { type RefObject, useEffect, useMemo, useRef, useState } from 'react'
import { Problem } from '../api/http'
import { isRecord } from '../core/events'
import {
  canShow,
  type Drafts,
  draftsOf,
  type Field,
  fieldsOf,
  type InputErrors,
  inputOf,
  inputOfText,
  leafPaths,
  placeErrors,
  textOf,
} from '../core/inputForm'

export type InputFormState = {
  readonly fields: readonly Field[]
  readonly drafts: Drafts
  /** By path; what belongs to no field is under ''. */
  readonly errors: InputErrors
  readonly busy: boolean
  /** The input as JSON where it is written so; `null` while the fields are shown. */
  readonly text: string | null
  /** Of the element around the fields; the first one at fault in it gets the focus. */
  readonly element: RefObject<HTMLFormElement | null>
  setDrafts(drafts: Drafts): void
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

/** @param initial shown at first in place of the schema's defaults */
export function useInputForm(schema: { readonly [key: string]: unknown }, initial?: unknown): InputFormState {
  const fields = useMemo(() => fieldsOf(schema), [schema])
  const [drafts, setDrafts] = useState<Drafts>(() => draftsOf(fields, initial))
  const [errors, setErrors] = useState<InputErrors>({})
  const [busy, setBusy] = useState(false)
  const [text, setText] = useState<string | null>(null)
  const element = useRef<HTMLFormElement>(null)

  useEffect(() => {
    const first = leafPaths(fields).find(path => errors[path])
    if (first) element.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(first)}"]`)?.focus()
  }, [errors, fields])

  const attempt = async (call: () => Promise<void>) => {
    if (busy) return
    setErrors({})
    setBusy(true)
    try {
      await call()
    } catch (error) {
      setErrors(errorsOf(text === null ? fields : [], error))
    } finally {
      setBusy(false)
    }
  }
  const show = (input: { [key: string]: unknown }, asJson: boolean) => {
    setErrors({})
    const fits = canShow(fields, input)
    if (!asJson && fits) {
      setDrafts(draftsOf(fields, input))
      setText(null)
      return
    }
    setText(JSON.stringify(input, null, 2))
    if (!asJson) setErrors({ '': 'The form cannot show all of this input: it stays JSON.' })
  }
  const writeJson = (wanted: boolean) => {
    if (wanted) {
      setErrors({})
      setText(textOf(fields, drafts))
      return
    }
    const read = inputOfText(text ?? '')
    if ('error' in read) setErrors({ '': `The input ${read.error}` })
    else show(read.input, false)
  }
  const fill = (input: unknown) => show(isRecord(input) ? input : {}, text !== null)
  const read = () => {
    if (text === null) return inputOf(fields, drafts).input
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
    const { input, errors } = inputOf(fields, drafts)
    if (Object.keys(errors).length > 0) setErrors(errors)
    else await attempt(() => send(input))
  }
  const state = { fields, drafts, errors, busy, text, element }
  return { ...state, setDrafts, setText, writeJson, fill, read, submit, attempt }
}

function errorsOf(fields: readonly Field[], error: unknown): InputErrors {
  if (error instanceof Problem && error.errors.length > 0) return placeErrors(fields, error.errors)
  return { '': error instanceof Error ? error.message : String(error) }
}
