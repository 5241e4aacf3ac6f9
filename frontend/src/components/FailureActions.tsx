import type { HttpApi } from '../api/http'
import type { Failure } from '../core/failures'
import { useRetry } from '../hooks/useRetry'
import { Icon } from './icons'

export type FailureActionsProps = {
  api: HttpApi
  executionId: string
  failure: Failure
  onStarted: (executionId: string) => void
  /** Where given, shows the form for changed input. */
  onChangeInput?: (() => void) | undefined
}

/** The ways out of a failure: from the step that failed, from the start, with other input. */
export function FailureActions({ api, executionId, failure, onStarted, onChangeInput }: FailureActionsProps) {
  const { stepId } = failure
  const { busy, error, start } = useRetry(api, executionId, onStarted)
  return (
    <>
      {stepId !== null && (
        <button
          type="button"
          className="headway-button headway-button--primary"
          title={`A new execution that takes over what was done before ${stepId}`}
          disabled={busy}
          onClick={() => start({ fromStep: stepId })}
        >
          <Icon name={busy ? 'running' : 'retrying'} />
          Retry from {stepId}
        </button>
      )}
      <button type="button" className="headway-button" disabled={busy} onClick={() => start()}>
        Retry all
      </button>
      {onChangeInput && (
        <button type="button" className="headway-button" onClick={onChangeInput}>
          Retry with changed input
        </button>
      )}
      {error && (
        <span className="headway-form__error" role="alert">
          {error}
        </span>
      )}
    </>
  )
}
