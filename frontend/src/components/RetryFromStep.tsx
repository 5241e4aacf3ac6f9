import type { HttpApi } from '../api/http'
import type { Track } from '../core/history'
import { useRetry } from '../hooks/useRetry'
import { Icon } from './icons'

export type RetryFromStepProps = {
  api: HttpApi
  executionId: string
  step: Pick<Track, 'id' | 'status'>
  /** Called with the id of the new execution. */
  onStarted: (executionId: string) => void
}

/** Does the execution over from a step on: what was done before it is taken over. */
export function RetryFromStep({ api, executionId, step, onStarted }: RetryFromStepProps) {
  const { busy, error, start } = useRetry(api, executionId, onStarted)
  if (step.status !== 'failed' && step.status !== 'completed') return null
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
        aria-label={`Retry from here: ${step.id}`}
        title={`A new execution that goes on from ${step.id}`}
        disabled={busy}
        onClick={() => start({ fromStep: step.id })}
      >
        <Icon name={busy ? 'running' : 'retrying'} />
        {busy ? 'Starting…' : 'Retry from here'}
      </button>
    </>
  )
}
