import { formatCounted, formatExact, parseTime } from '../core/format'
import type { Receipt } from '../core/receipts'
import { useClock } from '../hooks/usePreferences'
import { Icon } from './icons'

export type ReceiptListProps = { receipts: readonly Receipt[]; closed: boolean }

const WORDS: Record<string, string> = {
  cancel: 'Cancel',
  retry: 'Retry',
  approve: 'Answer',
  signal: 'Signal',
}

/** What was asked of the execution: requested, delivered, effective, with who and when; folded when all is done. */
export function ReceiptList({ receipts, closed }: ReceiptListProps) {
  if (receipts.length === 0) return null
  const underWay = closed ? [] : receipts.filter(({ stage }) => stage !== 'effective')
  const rows = (
    <ul className="headway-receipts">
      {receipts.map(receipt => (
        <ReceiptRow key={receipt.control_id} receipt={receipt} closed={closed} />
      ))}
    </ul>
  )
  const title = formatCounted(receipts.length, 'request')
  // Keyed: what the reader folded or opened holds until the next request, not for ever.
  return (
    <details
      key={underWay.length > 0 ? 'under-way' : 'done'}
      className="headway-panel"
      open={underWay.length > 0}
    >
      <summary>{underWay.length > 0 ? `${title}, ${underWay.length} under way` : `${title}, done`}</summary>
      {rows}
    </details>
  )
}

function ReceiptRow({ receipt, closed }: { receipt: Receipt; closed: boolean }) {
  const { control, by, message, force } = receipt
  const clock = useClock()
  return (
    <li className="headway-receipt">
      <span className="headway-receipt__what">
        <strong>{WORDS[control] ?? control}</strong>
        {force && ', forced'}
        {by && ` by ${by}`}
        {message && <span className="headway-receipt__message">{message}</span>}
      </span>
      <ol aria-label="Stages">
        {stagesOf(receipt, closed).map(({ name, at, reached }) => (
          <li key={name} data-reached={reached} title={formatExact(parseTime(at)) || undefined}>
            <Icon name={reached ? 'completed' : 'planned'} />
            <span className="headway-visually-hidden">{reached ? '' : 'not yet '}</span>
            {name} {clock(parseTime(at))}
          </li>
        ))}
      </ol>
    </li>
  )
}

type Stage = { name: string; at: string | null; reached: boolean }

/** A stage that was skipped, and one that no more can come, are left out. */
function stagesOf(receipt: Receipt, closed: boolean): Stage[] {
  const { stage, requested_at, delivered_at, effective_at } = receipt
  const isEffective = stage === 'effective'
  const isDelivered = delivered_at !== null || stage === 'delivered'
  const stages = [
    { name: 'requested', at: requested_at, reached: true },
    { name: 'delivered', at: delivered_at, reached: isDelivered },
    { name: 'effective', at: effective_at, reached: isEffective },
  ]
  return stages.filter(({ reached, name }) => reached || !(closed || (isEffective && name === 'delivered')))
}
