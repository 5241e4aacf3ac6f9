import type { PlannedStep } from '../core/events'
import { Icon } from './icons'

/** The steps a workflow says it will run, before it does. */
export function Plan({ steps }: { steps: readonly PlannedStep[] }) {
  if (steps.length === 0) return null
  return (
    <section className="headway-run__plan" aria-label="Plan">
      <h2 className="headway-heading">Plan</h2>
      <ol>
        {steps.map(step => (
          <li key={step.name}>
            <Icon name="planned" />
            {step.name}
          </li>
        ))}
      </ol>
    </section>
  )
}
