/** Doing an execution over: all of it, from a step on, or with other input. */

import { useState } from 'react'
import { type HttpApi, Problem, type RetryChange } from '../api/http'
import { newIdempotencyKey } from '../api/idempotency'
import { rememberedName } from './useRememberedName'

export type Retry = {
  readonly busy: boolean
  readonly error: string | null
  start(change?: RetryChange): Promise<void>
}

/** @param onStarted called with the id of the new execution */
export function useRetry(api: HttpApi, executionId: string, onStarted: (id: string) => void): Retry {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const start = async (change: RetryChange = {}) => {
    setBusy(true)
    setError(null)
    try {
      const by = rememberedName()
      onStarted((await api.retry(executionId, newIdempotencyKey(), { ...change, by })).execution_id)
    } catch (refusal) {
      setError(reasonOf(refusal))
    } finally {
      setBusy(false)
    }
  }
  return { busy, error, start }
}

/** What to say of a refusal. */
export function reasonOf(refusal: unknown): string {
  if (refusal instanceof Problem || refusal instanceof Error) return refusal.message
  return String(refusal)
}
