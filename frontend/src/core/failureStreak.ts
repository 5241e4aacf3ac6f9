/** How long a workflow has been failing; pure. */

export type EndedRun = { readonly execution_id: string; readonly phase: string }
export type FailureStreak = {
  /** The first execution that failed and since which none completed. */
  readonly first: string
  /** Failed executions from that one to the one asked for, both included. */
  readonly count: number
  /** The list ends within the streak: it may have begun before. */
  readonly isCut: boolean
}

/**
 * The failures in a row that an execution ends; null where it is the first, or not among the runs.
 *
 * @param runs newest first; those that still run or were cancelled say nothing
 */
export function failureStreak(runs: readonly EndedRun[], executionId: string): FailureStreak | null {
  const at = runs.findIndex(run => run.execution_id === executionId)
  if (at < 0) return null
  let [first, count] = [executionId, 1]
  for (const { execution_id, phase } of runs.slice(at + 1)) {
    if (phase === 'completed') return count > 1 ? { first, count, isCut: false } : null
    if (phase === 'failed') [first, count] = [execution_id, count + 1]
  }
  return count > 1 ? { first, count, isCut: true } : null
}
