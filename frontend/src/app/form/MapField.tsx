import type { Field, FieldProps } from '@rjsf/utils'
import { useState } from 'react'
import { isRecord } from '../../core/events'
import { itemsOf } from './formSchema'
import { Add, Remove } from './ListTemplate'

type Row = { readonly id: number; readonly name: string }

/** Names and their values, in the order they were written; a name that is there already is not taken. */
export function MapField(props: FieldProps) {
  const { schema, formData, fieldPathId, registry, errorSchema, onChange } = props
  const title = schema.title ?? props.name
  const values: Readonly<Record<string, unknown>> = isRecord(formData) ? formData : {}
  const rows = useRows(Object.keys(values))
  const ValueField = registry.fields['SchemaField'] as Field
  const change = (entries: readonly (readonly [string, unknown])[]) =>
    onChange(Object.fromEntries(entries), fieldPathId.path)
  const entries = rows.map(({ name }) => [name, values[name]] as const)
  const rename = (from: string, to: string) => {
    if (to !== from && Object.hasOwn(values, to)) return false
    change(entries.map(([name, value]) => [name === from ? to : name, value] as const))
    return true
  }
  return (
    <>
      {rows.length > 0 && (
        <ul className="app-form__list">
          {rows.map(({ id, name }) => (
            <li key={id} className="app-form__item app-form__entry">
              <Name
                id={`${fieldPathId.$id}.name${id}`}
                label={`Name in ${title}`}
                name={name}
                error={name === '' ? errorSchema?.['']?.__errors?.[0] : undefined}
                onRename={to => rename(name, to)}
              />
              <div className="app-form__part">
                <ValueField
                  registry={registry}
                  name={name}
                  title={`Value of ${name || 'the new name'}`}
                  required
                  schema={itemsOf(schema)}
                  formData={values[name]}
                  errorSchema={(name !== '' && errorSchema?.[name]) || {}}
                  fieldPathId={{ $id: `${fieldPathId.$id}.value${id}`, path: [...fieldPathId.path, name] }}
                  onChange={onChange}
                  onBlur={props.onBlur}
                  onFocus={props.onFocus}
                />
              </div>
              <div className="app-form__buttons">
                <Remove
                  what={name || 'the new name'}
                  onClick={() => change(entries.filter(([each]) => each !== name))}
                />
              </div>
            </li>
          ))}
        </ul>
      )}
      <Add
        to={title}
        disabled={Object.hasOwn(values, '')}
        onClick={() => change([...entries, ['', undefined]])}
      />
    </>
  )
}

/** Rows that stay the same while their name is typed. */
function useRows(names: readonly string[]): readonly Row[] {
  const [rows, setRows] = useState<readonly Row[]>(() => names.map((name, id) => ({ id, name })))
  if (rows.length === names.length && rows.every(({ name }, index) => name === names[index])) return rows
  const next = Math.max(-1, ...rows.map(({ id }) => id)) + 1
  const renamed = rows.length === names.length ? rows.filter(({ name }) => !names.includes(name)) : []
  const now = names.map((name, index) => {
    const before = rows.find(each => each.name === name) ?? renamed.shift()
    return { id: before?.id ?? next + index, name }
  })
  setRows(now)
  return now
}

type NameProps = {
  id: string
  label: string
  name: string
  error: string | undefined
  onRename: (name: string) => boolean
}

function Name({ id, label, name, error, onRename }: NameProps) {
  const [taken, setTaken] = useState<string | null>(null)
  const told = taken === null ? error : 'is there already'
  const onChange = (typed: string) => setTaken(onRename(typed) ? null : typed)
  return (
    <div className="headway-form__field" data-invalid={told ? true : undefined}>
      <input
        id={id}
        data-path={id}
        type="text"
        value={taken ?? name}
        placeholder="name"
        aria-label={label}
        aria-invalid={told ? true : undefined}
        aria-describedby={told ? `${id}-error` : undefined}
        autoComplete="off"
        spellCheck={false}
        onChange={event => onChange(event.target.value)}
        onBlur={() => setTaken(null)}
      />
      {told && (
        <p id={`${id}-error`} className="headway-form__error">
          {told}
        </p>
      )}
    </div>
  )
}
