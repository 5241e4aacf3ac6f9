import { memo, type ReactNode, useMemo, useState } from 'react'
import type { PlannedStep } from '../core/events'
import type { StepState } from '../core/fold'
import { formatCount, formatCounted, formatDuration, formatExact, parseTime } from '../core/format'
import { FOLD_ABOVE, type StepNode, stepTree, type Tally } from '../core/stepTree'
import { Icon, isIconName } from './icons'

/** An open group shows so many items; the failed and running ones are always among them. */
const SHOWN_ITEMS = 200

export type StepListProps = {
  steps: readonly StepState[]
  plan: readonly PlannedStep[]
  asOf: number
  /** What stands at the end of a step's row, such as a button. */
  renderActions?: RenderActions
}
type RenderActions = ((step: StepState) => ReactNode) | undefined

/** The steps as a tree, in the order they began; what is planned but not begun stands grey at the end. */
export function StepList({ steps, plan, asOf, renderActions }: StepListProps) {
  const { nodes, waiting } = useMemo(() => stepTree(steps, plan), [steps, plan])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long list scrolls in here, by keyboard too
    <section className="headway-steps" aria-label="Steps" tabIndex={0}>
      <h2 className="headway-heading">Steps</h2>
      {nodes.length + waiting.length === 0 && <p className="headway-empty">No step has begun.</p>}
      <ul>
        {nodes.map(node => (
          <StepRow
            key={node.step.step_id}
            node={node}
            asOf={node.step.ended_at === null ? asOf : 0}
            renderActions={renderActions}
          />
        ))}
        {waiting.map(name => (
          <li key={name} className="headway-step" data-status="planned">
            <div className="headway-step__line">
              <Icon name="planned" />
              <span className="headway-step__name">{name}</span>
              <span className="headway-step__fact">not begun</span>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}

type StepRowProps = { node: StepNode; asOf: number; group?: string; renderActions: RenderActions }

const StepRow = memo(function StepRow({ node, asOf, group, renderActions }: StepRowProps) {
  const { step, items, tally } = node
  const [opened, setOpened] = useState<boolean | null>(null)
  const open = opened ?? Math.max(items.length, step.total ?? 0) <= FOLD_ABOVE
  const label = labelOf(step, group)
  const status = isIconName(step.status) ? step.status : 'running'
  return (
    <li className="headway-step" data-status={step.status}>
      <div className="headway-step__line">
        <Icon name={status} />
        <span className="headway-step__name">{label}</span>
        <span className="headway-visually-hidden">{step.status}</span>
        {step.attempt > 1 && <span className="headway-step__attempt">try {step.attempt}</span>}
        {items.length > 0 && (
          <button
            type="button"
            className="headway-step__fold"
            aria-expanded={open}
            aria-label={`${open ? 'Hide' : 'Show'} the items of ${step.name}`}
            onClick={() => setOpened(!open)}
          >
            <Icon name="open" />
            {tallyText(tally, step.total !== null)}
          </button>
        )}
        {step.message && step.message !== label && (
          <span className="headway-step__note" title={step.message}>
            {step.message}
          </span>
        )}
        {renderActions?.(step)}
        <StepFacts step={step} asOf={asOf} />
      </div>
      {step.error && <p className="headway-step__note">{step.error}</p>}
      <StepBar step={step} />
      {open && items.length > 0 && (
        <Items items={items} asOf={asOf} group={step.name} renderActions={renderActions} />
      )}
    </li>
  )
})

type ItemsProps = {
  items: readonly StepNode[]
  asOf: number
  group: string
  renderActions: RenderActions
}

function Items({ items, asOf, group, renderActions }: ItemsProps) {
  const shown = items.length <= SHOWN_ITEMS ? items : urgentFirst(items).slice(0, SHOWN_ITEMS)
  return (
    <ul>
      {shown.map(item => (
        <StepRow
          key={item.step.step_id}
          node={item}
          group={group}
          asOf={item.step.ended_at === null ? asOf : 0}
          renderActions={renderActions}
        />
      ))}
      {shown.length < items.length && (
        <li className="headway-empty">and {formatCount(items.length - shown.length)} more, all ended well</li>
      )}
    </ul>
  )
}

/** An item that is named like its group goes by what it says, else by its number. */
function labelOf({ name, message, step_id: id }: StepState, group: string | undefined): string {
  if (name !== group) return name
  return message || (id.includes('#') ? `#${id.slice(id.lastIndexOf('#') + 1)}` : name)
}

function urgentFirst(items: readonly StepNode[]): StepNode[] {
  const isUrgent = ({ step }: StepNode) => step.status === 'failed' || step.ended_at === null
  return [...items.filter(isUrgent), ...items.filter(item => !isUrgent(item))]
}

function StepFacts({ step, asOf }: { step: StepState; asOf: number }) {
  const started = parseTime(step.started_at)
  const ended = step.ended_at === null ? asOf : parseTime(step.ended_at)
  const count =
    step.total !== null && step.total > 0
      ? `${formatCount(step.done ?? 0)} / ${formatCount(step.total)}`
      : step.done !== null && formatCounted(step.done, step.unit ?? 'item')
  return (
    <span
      className="headway-step__fact"
      title={Number.isFinite(started) ? `began ${formatExact(started)}` : undefined}
    >
      {count && <span>{count}</span>}
      {Number.isFinite(started) && <span>{formatDuration(ended - started)}</span>}
    </span>
  )
}

function StepBar({ step }: { step: StepState }) {
  if (step.ended_at !== null || step.total === null || step.total <= 0) return null
  const scale = Math.min(1, (step.done ?? 0) / step.total)
  return (
    <div className="headway-step__bar" aria-hidden="true">
      <div style={{ transform: `scaleX(${scale})` }} />
    </div>
  )
}

/** The total of a group stands beside it; without one the items are counted here. */
function tallyText({ items, failed, running }: Tally, counted: boolean): string {
  const parts = counted ? [] : [formatCounted(items, 'item')]
  if (running > 0) parts.push(`${formatCount(running)} running`)
  if (failed > 0) parts.push(`${formatCount(failed)} failed`)
  return parts.join(' · ') || 'items'
}
