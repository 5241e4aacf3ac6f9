import { useState } from 'react'
import { type HttpApi, Problem } from '../api/http'
import { newIdempotencyKey } from '../api/idempotency'
import type { Summary } from '../core/store'
import { rememberedName } from '../hooks/useRememberedName'
import { Icon } from './icons'

export type ExecutionActionsProps = {
  api: HttpApi
  summary: Summary
  /** Called with the id of the new execution. */
  onStarted: (executionId: string) => void
  /** Where given, a button beside shows and hides the form for changed input. */
  change?: { shown: boolean; toggle: () => void } | undefined
}

/** Cancel while it runs; when it has ended, run again with the same input, or with changed input. */
export function ExecutionActions({ api, summary, onStarted, change }: ExecutionActionsProps) {
  const { execution_id: id, closed, phase } = summary
  const [asked, setAsked] = useState<{ id: string; what: 'cancel' | 'retry' } | null>(null)
  const [error, setError] = useState<string | null>(null)
  const isAsked = (what: 'cancel' | 'retry') => asked?.id === id && asked.what === what
  const ask = async (what: 'cancel' | 'retry', call: () => Promise<void>) => {
    setAsked({ id, what })
    setError(null)
    try {
      await call()
      // A cancel stays asked for until the event says that it took effect.
      if (what === 'retry') setAsked(null)
    } catch (refusal) {
      setAsked(null)
      const over = refusal instanceof Problem && refusal.code === 'execution_closed'
      if (!over) setError(refusal instanceof Error ? refusal.message : String(refusal))
    }
  }
  const cancelling = isAsked('cancel') || phase === 'cancelling'
  return (
    <span className="headway-actions">
      {error && (
        <span className="headway-form__error" role="alert">
          {error}
        </span>
      )}
      {!closed && (
        <button
          type="button"
          className="headway-button"
          disabled={cancelling || id === ''}
          onClick={() => ask('cancel', () => api.cancel(id, newIdempotencyKey(), rememberedName()))}
        >
          <Icon name={cancelling ? 'running' : 'cancelled'} />
          {cancelling ? 'Cancelling…' : 'Cancel'}
        </button>
      )}
      {closed && (
        <button
          type="button"
          className="headway-button"
          disabled={isAsked('retry') || id === ''}
          onClick={() =>
            ask('retry', async () =>
              onStarted((await api.retry(id, newIdempotencyKey(), { by: rememberedName() })).execution_id),
            )
          }
        >
          <Icon name="retrying" />
          Run again
        </button>
      )}
      {closed && change && (
        <button
          type="button"
          className="headway-button"
          aria-expanded={change.shown}
          disabled={id === ''}
          onClick={change.toggle}
        >
          Change input
        </button>
      )}
    </span>
  )
}
