import type { FieldTemplateProps } from '@rjsf/utils'
import type { ReactNode } from 'react'
import { behind, branchesOf, FORMATS, isTag, type Shown } from './formSchema'

/** What stands around a field: its label, its help and what is wrong with it; a frame around those of a group. */
export function FieldTemplate(props: FieldTemplateProps) {
  const { id, label, required, rawErrors = [], children } = props
  const schema: Shown = props.schema
  const root: Shown = props.registry.rootSchema
  const isRoot = props.fieldPathId.path.length === 0
  if (isRoot) return children
  if (isTag(schema)) return null
  const invalid = rawErrors.length > 0 || undefined
  const inner = isGroup(schema) ? 'app-form__part' : 'headway-form__field'
  // What is wrong with a branch is told by the choice around it, which has the same place in the input.
  if (schema.place === 'branch') return <div className={inner}>{children}</div>
  if (schema.place === 'item') {
    return (
      <div className={inner} data-invalid={invalid}>
        {children}
        <About id={id} help="" errors={rawErrors} />
      </div>
    )
  }
  const about = <About id={id} help={helpOf(schema)} errors={rawErrors} />
  const mark = required && schema.as !== 'flag' && <span aria-hidden="true"> *</span>
  if (isGroup(schema)) {
    return (
      <fieldset
        className="headway-form__group"
        data-path={id}
        data-plain={isEither(root, schema) || undefined}
        data-invalid={invalid}
        tabIndex={invalid && -1}
        aria-describedby={describedBy(id, schema, rawErrors)}
      >
        <legend>
          {label}
          {mark}
        </legend>
        {about}
        {children}
      </fieldset>
    )
  }
  return (
    <div
      className="headway-form__field"
      data-switch={schema.as === 'flag' || undefined}
      data-invalid={invalid}
    >
      <label htmlFor={id}>
        {label}
        {mark}
      </label>
      {children}
      {about}
    </div>
  )
}

type AboutProps = { id: string; help: string; errors: readonly string[] }

function About({ id, help, errors }: AboutProps): ReactNode {
  return (
    <>
      {help && (
        <p id={`${id}-help`} className="headway-form__help">
          {help}
        </p>
      )}
      {errors.length > 0 && (
        <p id={`${id}-error`} className="headway-form__error">
          {errors.join('; ')}
        </p>
      )}
    </>
  )
}

/** What a control names as its description. */
export function describedBy(id: string, schema: Shown, errors: readonly string[] = []): string | undefined {
  const isAlone = schema.place === 'field'
  const ids = [isAlone && helpOf(schema) && `${id}-help`, errors.length > 0 && `${id}-error`].filter(Boolean)
  return ids.join(' ') || undefined
}

function helpOf(schema: Shown): string {
  const said = typeof schema['description'] === 'string' ? schema['description'] : ''
  const format = schema.form ? FORMATS[schema.form]?.help : ''
  return [said, format].filter(Boolean).join(' ')
}

/** A choice between values, which needs no frame. */
function isEither(root: Shown, schema: Shown): boolean {
  const branches = branchesOf(schema)
  return branches.length > 0 && branches.every(each => !isGroup(behind(root, each)))
}

/** Its parts have labels of their own. */
export function isGroup(schema: Shown): boolean {
  if (branchesOf(schema).length > 0 || schema.as === 'map') return true
  return schema.as === undefined && (schema['type'] === 'object' || schema['type'] === 'array')
}
