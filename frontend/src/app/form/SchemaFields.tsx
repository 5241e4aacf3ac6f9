/** The fields of a schema, by react-jsonschema-form: it keeps lists, choices and defaults; how all looks is ours. */

import './schemaForm.css'
// Its index brings a test's registry along, which needs the validator that the page's policy forbids.
import Form, { type IChangeEvent } from '@rjsf/core/lib/components/Form.js'
import { type ErrorSchema, ErrorSchemaBuilder } from '@rjsf/utils'
import { useMemo, useState } from 'react'
import type { FieldsKind, FieldsProps } from '../../components/InputFields'
import type { InputErrors } from '../../core/inputForm'
import { type Path, partAt } from './formValue'
import { fields, templates, widgets } from './parts'
import { DEFAULTS, errorPath, type FormDrafts, type SchemaModel, schemaModel } from './schemaModel'
import { validator } from './validator'

export const schemaFields: FieldsKind<FormDrafts, SchemaModel> = {
  modelOf: schemaModel,
  Fields: SchemaFields,
}

function SchemaFields({ id, model, drafts, errors, onChange }: FieldsProps<FormDrafts, SchemaModel>) {
  const extraErrors = useStandingErrors(errors, drafts)
  return (
    <Form
      tagName="div"
      className="app-form"
      idPrefix={id}
      idSeparator="."
      schema={model.schema}
      formData={drafts}
      onChange={({ formData }: IChangeEvent<FormDrafts>) => onChange(formData ?? {})}
      // The model validates; with this, no error stands but the ones that it is given.
      noValidate
      extraErrors={extraErrors}
      validator={validator}
      experimental_defaultFormStateBehavior={DEFAULTS}
      fields={fields}
      templates={templates}
      widgets={widgets}
      showErrorList={false}
    >
      {/* The buttons stand around the fields. */}
      <span hidden />
    </Form>
  )
}

/** An error stands until what it is about changes, so that none stays behind where a list moved on. */
function useStandingErrors(errors: InputErrors, drafts: FormDrafts): ErrorSchema {
  const [told, setTold] = useState({ errors, drafts })
  if (told.errors !== errors) setTold({ errors, drafts })
  const standing = Object.entries(errors)
    .map(([key, message]) => ({ path: errorPath(key), message }))
    .filter(({ path }) => path.length > 0 && (told.errors !== errors || isSame(told.drafts, drafts, path)))
  const key = JSON.stringify(standing)
  return useMemo(() => {
    const builder = new ErrorSchemaBuilder()
    for (const { path, message } of JSON.parse(key) as typeof standing) builder.addErrors(message, [...path])
    return builder.ErrorSchema
  }, [key])
}

function isSame(before: FormDrafts, after: FormDrafts, path: Path): boolean {
  return JSON.stringify(partAt(before, path)) === JSON.stringify(partAt(after, path))
}
