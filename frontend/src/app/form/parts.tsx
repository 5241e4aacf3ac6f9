/** What react-jsonschema-form draws a form with, in the look of our other forms. */

import getDefaultRegistry from '@rjsf/core/lib/getDefaultRegistry.js'
import type {
  Field,
  FieldProps,
  MultiSchemaFieldTemplateProps,
  ObjectFieldTemplateProps,
  RegistryFieldsType,
  RegistryWidgetsType,
  TemplatesType,
  UiSchema,
} from '@rjsf/utils'
import { FieldTemplate } from './FieldTemplate'
import { itemsOf, type Shown } from './formSchema'
import { ItemTemplate, ListTemplate } from './ListTemplate'
import { MapField } from './MapField'
import { Checkbox, Choice, Choices, JsonText, Lines, NumberInput, TextInput } from './widgets'

const StandardField = standardField('SchemaField')
const StringField = standardField('StringField')

export const fields: RegistryFieldsType = {
  SchemaField: FieldOfSchema,
  NumberField: StringField,
  map: MapField,
  json: StringField,
}

export const widgets: RegistryWidgetsType = {
  TextWidget: TextInput,
  SelectWidget: Choice,
  CheckboxWidget: Checkbox,
  number: NumberInput,
  lines: Lines,
  json: JsonText,
  choices: Choices,
}

export const templates: Partial<Omit<TemplatesType, 'ButtonTemplates'>> = {
  FieldTemplate,
  ObjectFieldTemplate: ({ properties }: ObjectFieldTemplateProps) => properties.map(({ content }) => content),
  ArrayFieldTemplate: ListTemplate,
  ArrayFieldItemTemplate: ItemTemplate,
  MultiSchemaFieldTemplate: ({ selector, optionSchemaField }: MultiSchemaFieldTemplateProps) => (
    <>
      <div className="headway-form__field">{selector}</div>
      {optionSchemaField}
    </>
  ),
  DescriptionFieldTemplate: Nothing,
  FieldHelpTemplate: Nothing,
  FieldErrorTemplate: Nothing,
}

function standardField(name: string): Field {
  const field = getDefaultRegistry().fields[name]
  if (!field) throw new Error(`react-jsonschema-form has no ${name}`)
  return field
}

/** The field template tells help and errors itself. */
function Nothing() {
  return null
}

/** How a part is shown, told by its schema. */
function FieldOfSchema(props: FieldProps) {
  const schema: Shown = props.registry.schemaUtils.retrieveSchema(props.schema, props.formData)
  return <StandardField {...props} uiSchema={uiOf(schema)} />
}

const NUMBERS: UiSchema = { 'ui:widget': 'number' }
const LINES: UiSchema = { 'ui:widget': 'lines' }
const JSON_TEXT: UiSchema = { 'ui:field': 'json', 'ui:widget': 'json' }
const MAP: UiSchema = { 'ui:field': 'map' }
const SELECT: UiSchema = { 'ui:widget': 'select' }
const CHOICES: UiSchema = { 'ui:widget': 'choices' }
const NONE: UiSchema = {}

function uiOf(schema: Shown): UiSchema {
  if (schema.as === 'json') return JSON_TEXT
  if (schema.as === 'map') return MAP
  if (schema.as === 'lines') return LINES
  if (schema['enum']) return SELECT
  const { type } = schema
  if (type === 'integer' || type === 'number') return NUMBERS
  if (type === 'boolean' && schema.as !== 'flag') return SELECT
  return type === 'array' && schema['uniqueItems'] && itemsOf(schema)['enum'] ? CHOICES : NONE
}
