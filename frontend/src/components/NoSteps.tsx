import type { ExecutionHistory } from '../core/history'

export type NoStepsProps = { history: ExecutionHistory; className?: string }

/** Said where steps would stand: that there are none yet, or that there will be none. */
export function NoSteps({ history: { endedAt }, className = '' }: NoStepsProps) {
  const told = Number.isFinite(endedAt) ? 'This execution has no steps.' : 'No step has begun.'
  return <p className={`headway-empty ${className}`.trim()}>{told}</p>
}
