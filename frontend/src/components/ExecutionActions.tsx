import { useState } from 'react'
import { type HttpApi, Problem } from '../api/http'
import { newIdempotencyKey } from '../api/idempotency'
import type { Summary } from '../core/store'
import { rememberedName } from '../hooks/useRememberedName'
import { reasonOf, useRetry } from '../hooks/useRetry'
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
  const { execution_id: id, closed } = summary
  const cancel = useCancel(api, summary)
  const retry = useRetry(api, id, onStarted)
  const error = cancel.error ?? retry.error
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
          data-key="c"
          title="Stop it (c)"
          disabled={cancel.busy || id === ''}
          onClick={cancel.ask}
        >
          <Icon name={cancel.busy ? 'running' : 'cancelled'} />
          {cancel.busy ? 'Cancelling…' : 'Cancel'}
        </button>
      )}
      {closed && (
        <button
          type="button"
          className="headway-button"
          data-key="r"
          title="A new execution with the same input (r)"
          disabled={retry.busy || id === ''}
          onClick={() => retry.start()}
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

type Cancel = { busy: boolean; error: string | null; ask: () => Promise<void> }

/** Asked for from the click until the event says that it took effect. */
function useCancel(api: HttpApi, { execution_id: id, phase }: Summary): Cancel {
  const [asked, setAsked] = useState<string | null>(null)
  const [error, setError] = useState<string | null>(null)
  const ask = async () => {
    setAsked(id)
    setError(null)
    try {
      await api.cancel(id, newIdempotencyKey(), rememberedName())
    } catch (refusal) {
      setAsked(null)
      // It ended before the request came: the page will say so.
      const isOver = refusal instanceof Problem && refusal.code === 'execution_closed'
      if (!isOver) setError(reasonOf(refusal))
    }
  }
  return { busy: asked === id || phase === 'cancelling', error, ask }
}
