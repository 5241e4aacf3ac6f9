import { useEffect, useState } from 'react'
import { type HttpApi, Problem } from '../api/http'
import { newIdempotencyKey } from '../api/idempotency'
import type { Summary } from '../core/store'
import { rememberedName } from '../hooks/useRememberedName'
import { reasonOf, useRetry } from '../hooks/useRetry'
import { ForceCancel } from './ForceCancel'
import { Icon } from './icons'

export type ExecutionActionsProps = {
  api: HttpApi
  summary: Summary
  /** Whether events come now. */
  isLive: boolean
  /** Called with the id of the new execution. */
  onStarted: (executionId: string) => void
  /** Where given, a button beside shows and hides the form for changed input. */
  change?: { shown: boolean; toggle: () => void } | undefined
}

/** Cancel while it runs; when it has ended, run again with the same input, or with changed input. */
export function ExecutionActions({ api, summary, isLive, onStarted, change }: ExecutionActionsProps) {
  const { execution_id: id, closed } = summary
  const cancel = useCancel(api, summary, isLive)
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
          data-key={cancel.busy ? undefined : 'c'}
          title="Stop it (c)"
          disabled={cancel.busy || id === ''}
          onClick={() => cancel.ask()}
        >
          <Icon name={cancel.busy ? 'running' : 'cancelled'} />
          {cancel.forcing ? 'Forcing…' : cancel.busy ? 'Cancelling…' : 'Cancel'}
        </button>
      )}
      {!closed && cancel.busy && !cancel.forcing && <ForceCancel key={id} onForce={() => cancel.ask(true)} />}
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

type Cancel = {
  busy: boolean
  forcing: boolean
  error: string | null
  ask: (force?: boolean) => Promise<void>
}

/** Asked for from the click until the event says that it took effect. */
function useCancel(api: HttpApi, { execution_id: id, phase }: Summary, isLive: boolean): Cancel {
  const [asked, setAsked] = useState<string | null>(null)
  const [forced, setForced] = useState<string | null>(null)
  const [refused, setRefused] = useState<unknown>(null)
  useEffect(() => {
    // That the server cannot be reached is no longer so once it is.
    if (isLive) setRefused((before: unknown) => (isUnreachable(before) ? null : before))
  }, [isLive])
  const ask = async (force = false) => {
    const set = force ? setForced : setAsked
    set(id)
    setRefused(null)
    try {
      await api.cancel(id, newIdempotencyKey(), rememberedName(), force)
    } catch (refusal) {
      set(null)
      // It ended before the request came: the page will say so.
      const isOver = refusal instanceof Problem && refusal.code === 'execution_closed'
      if (!isOver) setRefused(refusal)
    }
  }
  const error = refused === null ? null : reasonOf(refused)
  return { busy: asked === id || phase === 'cancelling', forcing: forced === id, error, ask }
}

function isUnreachable(refusal: unknown): boolean {
  return refusal instanceof Problem && refusal.code === 'unreachable'
}
