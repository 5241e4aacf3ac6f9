/** The forms of the application, fetched when they are needed; until then their place is kept. */

import { lazy, Suspense } from 'react'
import type { InputFormProps } from '../../components/InputForm'
import { Plan } from '../../components/Plan'
import type { RunFormProps } from '../../components/RunForm'
import { isRecord } from '../../core/events'

const load = () => import('./SchemaForms')
const SchemaRunForm = lazy(async () => ({ default: (await load()).SchemaRunForm }))
const SchemaInputForm = lazy(async () => ({ default: (await load()).SchemaInputForm }))

/** Begin to fetch them, while what they are to show is fetched too. */
export function loadForms(): void {
  load().catch(() => {}) // told where one is to be shown
}

export function RunForm(props: RunFormProps) {
  return (
    <Suspense fallback={<RunFormToCome {...props} />}>
      <SchemaRunForm {...props} />
    </Suspense>
  )
}

export function InputForm(props: InputFormProps) {
  return (
    <Suspense fallback={<FieldsToCome schema={props.schema} />}>
      <SchemaInputForm {...props} />
    </Suspense>
  )
}

function RunFormToCome({ workflow, plan }: RunFormProps) {
  return (
    <section className="headway-card headway-run" aria-label={`Run ${workflow.title}`}>
      <div className="headway-run__form">
        {workflow.description && <p className="headway-run__description">{workflow.description}</p>}
        <FieldsToCome schema={workflow.input_schema} />
      </div>
      <aside className="headway-run__aside">{plan ?? <Plan steps={workflow.plan} />}</aside>
    </section>
  )
}

/** As high as a form of so many fields is about to be, with what stands above and below them. */
function FieldsToCome({ schema }: { schema: { readonly [key: string]: unknown } }) {
  const names = isRecord(schema['properties']) ? Object.keys(schema['properties']) : []
  return (
    <div className="app-fields-to-come" role="status" aria-label="Loading">
      <span />
      {names.map(name => (
        <span key={name} data-field />
      ))}
      <span />
    </div>
  )
}
