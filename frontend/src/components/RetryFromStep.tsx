import { useState } from 'react'
import type { HttpApi } from '../api/http'
import { newIdempotencyKey } from '../api/idempotency'
import type { StepState } from '../core/fold'
import { rememberedName } from '../hooks/useRememberedName'
import { Icon } from './icons'

export type RetryFromStepProps = {
  api: HttpApi
  executionId: string
  step: StepState
  /** Called with the id of the new execution. */
  onStarted: (executionId: string) => void
}

/** Does the execution over from a step on: what was done before it is taken over. */
export function RetryFromStep({ api, executionId, step, onStarted }: RetryFromStepProps) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  if (step.status !== 'failed' && step.status !== 'completed') return null
  const retry = async () => {
    setBusy(true)
    setError(null)
    try {
      const change = { fromStep: step.step_id, by: rememberedName() }
      onStarted((await api.retry(executionId, newIdempotencyKey(), change)).execution_id)
    } catch (refusal) {
      setError(refusal instanceof Error ? refusal.message : String(refusal))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      {error && (
        <span className="headway-form__error" role="alert">
          {error}
        </span>
      )}
      <button
        type="button"
        className="headway-step__retry"
        aria-label={`Retry from here: ${step.step_id}`}
        title={`A new execution that goes on from ${step.step_id}`}
        disabled={busy}
        onClick={retry}
      >
        <Icon name={busy ? 'running' : 'retrying'} />
        {busy ? 'Starting…' : 'Retry from here'}
      </button>
    </>
  )
}
