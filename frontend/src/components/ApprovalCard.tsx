/** A question of the workflow to people: what is asked, by whom, until when, and the form to answer it. */

import { useEffect, useRef } from 'react'
import type { Answer } from '../api/http'
import { formatAgo, formatDuration, formatExact, formatMoment, parseTime } from '../core/format'
import type { ApprovalState } from '../core/waiting'
import { useNow } from '../hooks/useNow'
import { useClock } from '../hooks/usePreferences'
import { ApprovalForm } from './ApprovalForm'
import { Icon, type IconName } from './icons'

export type ApprovalCardProps = {
  approval: ApprovalState
  workflowId: string
  /** Sends the answer; the card waits for the event that says it counts. */
  onAnswer: (answer: Answer) => Promise<void>
}

export function ApprovalCard({ approval, workflowId, onAnswer }: ApprovalCardProps) {
  const { message, status, step_id: stepId } = approval
  const isOpen = status === 'open'
  const card = useFocusKept(isOpen)
  const asker = stepId?.replace(/#\d+$/, '') ?? workflowId
  const { tone, icon, text } = verdict(approval, useClock())
  return (
    <section
      ref={card}
      className="headway-panel headway-approval"
      data-tone={tone}
      data-status={status}
      aria-label={`Question of ${asker}`}
      tabIndex={-1}
    >
      <h2 className="headway-panel__title">
        <Icon name={icon} />
        {isOpen ? `${asker} asks for an answer` : text}
        {isOpen && stepId && stepId !== asker && <span className="headway-panel__id">{stepId}</span>}
      </h2>
      <p className="headway-approval__message">{message}</p>
      {!isOpen && approval.reason && (
        <blockquote className="headway-approval__reason">{approval.reason}</blockquote>
      )}
      {isOpen ? <OpenFacts approval={approval} /> : <AnswerValues values={approval.values} />}
      {isOpen && <ApprovalForm form={approval.form} onAnswer={onAnswer} />}
    </section>
  )
}

/** The button that was pressed goes away with the answer: the focus then stays with the card. */
function useFocusKept(isOpen: boolean) {
  const card = useRef<HTMLElement>(null)
  const hadFocus = useRef(false)
  useEffect(() => {
    if (!isOpen) return
    const note = () => {
      hadFocus.current = card.current?.contains(document.activeElement) ?? false
    }
    document.addEventListener('focusin', note)
    note()
    return () => document.removeEventListener('focusin', note)
  }, [isOpen])
  useEffect(() => {
    if (!isOpen && hadFocus.current) card.current?.focus({ preventScroll: true })
  }, [isOpen])
  return card
}

/** Since when it is asked, and how long it still can be answered. */
function OpenFacts({ approval }: { approval: ApprovalState }) {
  const now = useNow(true)
  const asked = parseTime(approval.requested_at)
  const deadline = parseTime(approval.deadline)
  return (
    <p className="headway-approval__facts">
      {Number.isFinite(asked) && <span title={formatExact(asked)}>asked {formatAgo(now - asked)}</span>}
      {Number.isFinite(deadline) && (
        <span title={formatExact(deadline)} data-urgent={deadline - now < 60_000 || undefined}>
          {deadline > now ? (
            <>
              {formatDuration(deadline - now)} left, until {formatMoment(deadline, now)};{' '}
              {SILENCE[approval.on_deadline ?? 'reject'] ?? ''}
            </>
          ) : (
            `its time was over at ${formatMoment(deadline, now)}`
          )}
        </span>
      )}
    </p>
  )
}

const SILENCE: Record<string, string> = {
  reject: 'no answer means no',
  approve: 'no answer means yes',
  fail: 'without an answer it fails',
}

function AnswerValues({ values }: { values: unknown }) {
  if (values === null || values === undefined) return null
  return (
    <details>
      <summary>With these values</summary>
      <pre className="headway-code">{JSON.stringify(values, null, 2)}</pre>
    </details>
  )
}

type Verdict = { tone: 'warn' | 'good' | 'bad' | 'plain'; icon: IconName; text: string }

function verdict(
  { status, approved, by, expired, answered_at: at }: ApprovalState,
  clock: (time: number) => string,
): Verdict {
  if (status === 'open') return { tone: 'warn', icon: 'question', text: '' }
  if (status !== 'answered') return { tone: 'plain', icon: 'skipped', text: 'No longer asked' }
  const when = at ? ` at ${clock(parseTime(at))}` : ''
  const word = approved ? 'Approved' : 'Rejected'
  const text = expired
    ? `Nobody answered in time: ${word.toLowerCase()}${when}`
    : `${word}${by ? ` by ${by}` : ''}${when}`
  return approved ? { tone: 'good', icon: 'completed', text } : { tone: 'bad', icon: 'failed', text }
}
