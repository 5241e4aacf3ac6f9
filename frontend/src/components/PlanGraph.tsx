/** The steps a workflow says it will run, before it does: the execution's graph, all grey. */

import { useState } from 'react'
import type { PlannedStep } from '../core/events'
import { ExecutionHistory } from '../core/history'
import { Graph } from './Graph'

export function PlanGraph({ steps }: { steps: readonly PlannedStep[] }) {
  const [selected, setSelected] = useState<string | null>(null)
  const [nothingYet] = useState(() => ({ history: new ExecutionHistory(), version: 0 }))
  return (
    <section className="headway-run__plan" aria-label="Plan">
      <h2 className="headway-heading">Plan</h2>
      <div className="headway-run__graph">
        <Graph slice={nothingYet} plan={steps} now={0} selected={selected} onSelect={setSelected} />
      </div>
    </section>
  )
}
