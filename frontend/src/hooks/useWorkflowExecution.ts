/** A live execution for a component: connected while mounted. */

import { useEffect, useMemo, useRef } from 'react'
import { ExecutionFeed } from '../api/executionFeed'
import type { TokenSource } from '../api/token'
import type { ExecutionResult } from '../core/events'
import { useToken } from './useToken'

export type WorkflowExecutionOptions = {
  executionId?: string | undefined
  apiBase?: string | undefined
  /** Who looks, where no session cookie says so; called before each try. */
  token?: TokenSource | undefined
  onExecutionComplete?: ((result: ExecutionResult) => void) | undefined
}

/**
 * Follow a workflow's current execution, or the one given.
 *
 * @returns the feed; read its store with `useSlice` or `useConnection`.
 */
export function useWorkflowExecution(
  workflowId: string,
  options: WorkflowExecutionOptions = {},
): ExecutionFeed {
  const { executionId, apiBase } = options
  const token = useToken(options.token)
  const onComplete = useRef(options.onExecutionComplete)
  useEffect(() => {
    onComplete.current = options.onExecutionComplete
  })
  const feed = useMemo(
    () =>
      new ExecutionFeed(workflowId, {
        executionId,
        apiBase,
        token,
        onComplete: result => onComplete.current?.(result),
      }),
    [workflowId, executionId, apiBase, token],
  )
  useEffect(() => {
    feed.start()
    return () => feed.stop()
  }, [feed])
  return feed
}
