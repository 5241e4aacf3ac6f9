/** One execution, live: what others embed. Own styles, no component kit, no data but the feed's. */

import './WorkflowExecutionMonitor.css'
import { type ReactNode, useMemo } from 'react'
import { HttpApi } from '../api/http'
import type { ConnectionState } from '../core/connection'
import type { ExecutionResult } from '../core/events'
import type { StepState } from '../core/fold'
import { parseTime } from '../core/format'
import type { ControlsSlice, Summary } from '../core/store'
import { useNow } from '../hooks/useNow'
import { useConnection, useSlice } from '../hooks/useSlice'
import { useWorkflowExecution } from '../hooks/useWorkflowExecution'
import { Liveness } from './Liveness'
import { LogPanel } from './LogPanel'
import { ErrorPanel, ResultPanel, Seal } from './Outcome'
import { ProgressSummary } from './ProgressSummary'
import { StatusBadge } from './StatusBadge'
import { StepList } from './StepList'
import { WaitingFor } from './WaitingFor'

export type WorkflowExecutionMonitorProps = {
  /** Shows the workflow's current execution, else its latest; when that has ended, the next. */
  workflowId: string
  /** Shows this execution alone. */
  executionId?: string | undefined
  /** Called exactly once for each execution that completes, fails or is cancelled. */
  onExecutionComplete?: ((result: ExecutionResult) => void) | undefined
  /** Address of the Headway server; by default the page's own. */
  apiBase?: string | undefined
  className?: string | undefined
  /** `false` leaves the log out. */
  showLog?: boolean | undefined
  /** `false` leaves the steps out. */
  showSteps?: boolean | undefined
  /** What stands at the end of the first row, such as buttons. */
  renderActions?: ((summary: Summary) => ReactNode) | undefined
  /** What stands below the head, such as questions to answer. */
  renderControls?: ((summary: Summary, controls: ControlsSlice) => ReactNode) | undefined
  /** What stands at the end of a step's row once the execution has ended. */
  renderStepActions?: ((step: StepState) => ReactNode) | undefined
}

/** Shows status, progress, steps, log, error and result of a workflow's execution as they happen. */
export function WorkflowExecutionMonitor(props: WorkflowExecutionMonitorProps) {
  const { workflowId, executionId, apiBase, onExecutionComplete, showLog = true, showSteps = true } = props
  const feed = useWorkflowExecution(workflowId, { executionId, apiBase, onExecutionComplete })
  const api = useMemo(() => new HttpApi(apiBase), [apiBase])
  const summary = useSlice(feed.store, 'summary')
  const steps = useSlice(feed.store, 'steps')
  const controls = useSlice(feed.store, 'controls')
  const log = useSlice(feed.store, 'log')
  const { state, heardAt } = useConnection(feed.store)
  const asOf = useAsOf(state, heardAt, summary.closed)
  const id = summary.execution_id || executionId
  const file = (path: string) => api.address(`api/executions/${encodeURIComponent(id ?? '')}/${path}`)
  const begun = summary.updated_at !== null
  const shownPhase = begun ? summary.phase : 'none'
  return (
    <section
      className={['headway', 'headway-monitor', props.className].filter(Boolean).join(' ')}
      aria-label={`Execution of ${workflowId}`}
      data-phase={shownPhase}
    >
      <header className="headway-monitor__head">
        <div className="headway-monitor__status">
          {begun ? <StatusBadge phase={summary.phase} /> : <NotBegun state={state} workflowId={workflowId} />}
          {begun && summary.attempt > 1 && (
            <span className="headway-monitor__attempt">attempt {summary.attempt}</span>
          )}
          {begun && (
            <span className="headway-monitor__message">
              {summary.phase === 'waiting' ? (
                <WaitingFor controls={controls} now={asOf.time} />
              ) : (
                !summary.closed && summary.message
              )}
            </span>
          )}
          <Liveness
            state={state}
            endedAt={summary.closed ? parseTime(summary.ended_at) : null}
            now={asOf.now}
            onRetry={() => feed.retryNow()}
          />
          {begun && props.renderActions?.(summary)}
        </div>
        {begun && <ProgressSummary summary={summary} steps={steps} asOf={asOf.time} live={asOf.live} />}
        <Announcement workflowId={workflowId} summary={summary} controls={controls} begun={begun} />
      </header>
      {begun && props.renderControls?.(summary, controls)}
      {summary.status === 'failed' && <ErrorPanel summary={summary} />}
      {(summary.closed || summary.outputs.length > 0) && (
        <ResultPanel summary={summary} fileAddress={name => file(`outputs/${encodeURIComponent(name)}`)} />
      )}
      <div className="headway-monitor__body" data-columns={showSteps && showLog ? 2 : 1}>
        {showSteps && (
          <StepList
            steps={steps}
            plan={summary.plan}
            asOf={asOf.time}
            renderActions={summary.closed ? props.renderStepActions : undefined}
          />
        )}
        {showLog && (
          <LogPanel
            slice={log}
            downloadHref={id ? file('log') : null}
            empty={summary.closed ? 'This execution logged nothing.' : 'No log line yet.'}
          />
        )}
      </div>
      <Seal summary={summary} />
    </section>
  )
}

/** Said in place of a status before the first event. */
function NotBegun({ state, workflowId }: { state: ConnectionState; workflowId: string }) {
  if (state.name === 'refused') return <strong>Cannot show {workflowId}</strong>
  return (
    <span className="headway-monitor__waiting">
      {state.name === 'live' ? 'waiting for it to start' : 'loading'}
    </span>
  )
}

type AnnouncementProps = { workflowId: string; summary: Summary; controls: ControlsSlice; begun: boolean }

/** Tells a screen reader of changes of status, of failures and of questions, and of nothing else. */
function Announcement({ workflowId, summary, controls, begun }: AnnouncementProps) {
  const asked = summary.phase === 'waiting' && controls.approvals.findLast(({ status }) => status === 'open')
  const more = summary.error ?? (asked ? asked.message : '')
  return (
    <p className="headway-visually-hidden" role="status" aria-live="polite">
      {begun ? `${workflowId} ${summary.phase}${more ? `: ${more}` : ''}` : ''}
    </p>
  )
}

type AsOf = { now: number; time: number; live: boolean }

/** The time for clocks: now while events can come, else when the server was last heard. */
function useAsOf(state: ConnectionState, heardAt: number | null, closed: boolean): AsOf {
  const live = state.name === 'live' || state.name === 'catching-up'
  const counting = state.name === 'reconnecting' || state.name === 'stale' || state.name === 'offline'
  const now = useNow((live || counting) && !closed)
  return { now, time: live || heardAt === null ? now : heardAt, live }
}
