/** The forms of the application, around the fields of react-jsonschema-form. Loaded when one is shown. */

import { InputFormOf, type InputFormProps } from '../../components/InputForm'
import { RunFormOf, type RunFormProps } from '../../components/RunForm'
import { schemaFields } from './SchemaFields'

export function SchemaRunForm(props: RunFormProps) {
  return <RunFormOf {...props} kind={schemaFields} />
}

export function SchemaInputForm(props: InputFormProps) {
  return <InputFormOf {...props} kind={schemaFields} />
}
