/** A form of everything type hints can say, as a `FormModel`: fields are named by their path, written as JSON. */

import { createSchemaUtils, type Experimental_DefaultFormStateBehavior } from '@rjsf/utils'
import { isRecord } from '../../core/events'
import type { FormModel, InputErrors, Schema } from '../../core/inputForm'
import { formSchema, propertiesOf, type Shown } from './formSchema'
import { canShowValue, type Fault, type Path, placeOf, readDraft, withTags } from './formValue'
import { validator } from './validator'

export type FormDrafts = Readonly<Record<string, unknown>>
export type SchemaModel = FormModel<FormDrafts> & { readonly schema: Shown }

/** Only what the workflow itself gives is filled in: no empty items, no objects that nobody asked for. */
export const DEFAULTS: Experimental_DefaultFormStateBehavior = {
  arrayMinItems: { populate: 'never' },
  constAsDefaults: 'never',
}

export function schemaModel(source: Schema): SchemaModel {
  const schema = formSchema(source)
  const utils = createSchemaUtils(validator, schema, DEFAULTS)
  return {
    schema,
    isEmpty: Object.keys(propertiesOf(schema)).length === 0,
    draftsOf: input => {
      const given = withTags(schema, schema, isRecord(input) ? input : {})
      const drafts: unknown = utils.getDefaultFormState(schema, given)
      return isRecord(drafts) ? drafts : {}
    },
    inputOf: drafts => {
      const { input, faults } = readDraft(schema, drafts)
      return { input, errors: byPath(faults) }
    },
    canShow: input => canShowValue(schema, schema, input, true),
    placeErrors: (errors, drafts) =>
      byPath(
        errors.map(({ field, message }) => {
          const { path, rest } = placeOf(schema, drafts, field.replace(/^input\.?/, ''))
          return { path, message: rest === '' ? message : `${path.length === 0 ? field : rest}: ${message}` }
        }),
      ),
  }
}

export function errorKey(path: Path): string {
  return path.length === 0 ? '' : JSON.stringify(path)
}

export function errorPath(key: string): Path {
  return key === '' ? [] : (JSON.parse(key) as Path)
}

function byPath(faults: readonly Fault[]): InputErrors {
  const errors: Record<string, string> = {}
  for (const { path, message } of faults) {
    const key = errorKey(path)
    errors[key] = errors[key] ? `${errors[key]}; ${message}` : message
  }
  return errors
}
