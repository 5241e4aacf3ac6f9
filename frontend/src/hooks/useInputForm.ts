/** What stands in a form made from a JSON Schema, and what is wrong with it. */

import { type RefObject, useEffect, useMemo, useRef, useState } from 'react'
import { Problem } from '../api/http'
import {
  type Drafts,
  draftsOf,
  type Field,
  fieldsOf,
  type InputErrors,
  inputOf,
  leafPaths,
  placeErrors,
} from '../core/inputForm'

export type InputFormState = {
  readonly fields: readonly Field[]
  readonly drafts: Drafts
  /** By path; what belongs to no field is under ''. */
  readonly errors: InputErrors
  readonly busy: boolean
  /** Of the element around the fields; the first one at fault in it gets the focus. */
  readonly element: RefObject<HTMLFormElement | null>
  setDrafts(drafts: Drafts): void
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
      setErrors(errorsOf(fields, error))
    } finally {
      setBusy(false)
    }
  }
  const submit = async (send: (input: unknown) => Promise<void>) => {
    const { input, errors } = inputOf(fields, drafts)
    if (Object.keys(errors).length > 0) setErrors(errors)
    else await attempt(() => send(input))
  }
  return { fields, drafts, errors, busy, element, setDrafts, submit, attempt }
}

function errorsOf(fields: readonly Field[], error: unknown): InputErrors {
  if (error instanceof Problem && error.errors.length > 0) return placeErrors(fields, error.errors)
  return { '': error instanceof Error ? error.message : String(error) }
}
