/** One execution, live: what others embed. Own styles, no component kit, no data but the feed's. */

import './WorkflowExecutionMonitor.css'
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react'
import { HttpApi } from '../api/http'
import type { TokenSource } from '../api/token'
import type { ConnectionState } from '../core/connection'
import type { ExecutionResult } from '../core/events'
import { decisive, failuresOf, lineOfFailure } from '../core/failures'
import { formatClock, formatCount, formatExact, parseTime } from '../core/format'
import type { Track } from '../core/history'
import type { LogFilter } from '../core/logFilter'
import type { ControlsSlice, HistorySlice, LogSlice, Summary } from '../core/store'
import { useEarlierHistory } from '../hooks/useEarlierHistory'
import { linkLines } from '../hooks/useLineHash'
import { useNow } from '../hooks/useNow'
import { useRemembered } from '../hooks/useRemembered'
import { useConnection, useSlice } from '../hooks/useSlice'
import { useToken } from '../hooks/useToken'
import { useWorkflowExecution } from '../hooks/useWorkflowExecution'
import { isShortCut, Liveness } from './Liveness'
import { LogPanel } from './LogPanel'
import type { LogPlace, MonitorChoice, MonitorPane, PaneContext } from './monitorPane'
import { ErrorPanel, ResultPanel, Seal } from './Outcome'
import { PaneTabs } from './PaneTabs'
import { ProgressSummary } from './ProgressSummary'
import { SplitPanes } from './SplitPanes'
import { StatusBadge } from './StatusBadge'
import { StepDetails } from './StepDetails'
import { stepsView } from './StepList'
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
  /** Gives the token of who looks, for pages of another origin; called before each try. */
  token?: TokenSource | undefined
  className?: string | undefined
  /** `false` leaves the log out. */
  showLog?: boolean | undefined
  /** `false` leaves the steps out. */
  showSteps?: boolean | undefined
  /** What shows the steps, by tabs where there are several; by default a list. */
  views?: readonly MonitorPane[] | undefined
  /** What stands in tabs beside the log. */
  tabs?: readonly MonitorPane[] | undefined
  /** The step, view, tab and filter of the log that are chosen; what is absent the reader chooses. */
  choice?: MonitorChoice | undefined
  /** Called when the reader chooses another step, view, tab or filter of the log. */
  onChoose?: ((choice: MonitorChoice) => void) | undefined
  /** How long an execution of the workflow usually takes. */
  usualMs?: number | null | undefined
  /** Of the server, where it is known: told at the dot that says whether this is live. */
  serverVersion?: string | undefined
  /** Lines chosen in the log stand in the page's address: `#L120-L140`. */
  permalinks?: boolean | undefined
  /** What stands at the end of the first row, such as buttons; whether the connection is live. */
  renderActions?: ((summary: Summary, isLive: boolean) => ReactNode) | undefined
  /** What stands below the head, such as questions to answer. */
  renderControls?: ((summary: Summary, controls: ControlsSlice) => ReactNode) | undefined
  /** What tells of failures, in place of the plain error of a failed execution. */
  renderFailure?: ((context: PaneContext) => ReactNode) | undefined
  /** What stands beside a step once the execution has ended. */
  renderStepActions?: ((step: Track) => ReactNode) | undefined
}

const STEPS_ALONE: readonly MonitorPane[] = [stepsView]
const NO_TABS: readonly MonitorPane[] = []

export const logTab: MonitorPane = {
  id: 'log',
  label: 'Log',
  staysMounted: true,
  render: ({ log, api, executionId, summary, history, step, isPointed, selectStep, line, ...context }) => (
    <LogPanel
      slice={log}
      api={api}
      executionId={executionId || null}
      stepId={step !== null && !isPointed && history.history.logs(step) ? step : null}
      onStep={selectStep}
      filter={context.filter}
      onFilter={context.setFilter}
      live={context.live}
      caughtUp={context.caughtUp}
      startedAt={parseTime(summary.started_at)}
      permalinks={context.permalinks}
      place={line}
      empty={summary.closed ? 'This execution logged nothing.' : 'No log line yet.'}
    />
  ),
}

/** Shows status, progress, steps, log, error and result of a workflow's execution as they happen. */
export function WorkflowExecutionMonitor(props: WorkflowExecutionMonitorProps) {
  const { workflowId, executionId, apiBase, onExecutionComplete, permalinks = false } = props
  const token = useToken(props.token)
  const feed = useWorkflowExecution(workflowId, { executionId, apiBase, token, onExecutionComplete })
  const api = useMemo(() => new HttpApi(apiBase, undefined, token), [apiBase, token])
  const summary = useSlice(feed.store, 'summary')
  const history = useSlice(feed.store, 'history')
  const controls = useSlice(feed.store, 'controls')
  const log = useSlice(feed.store, 'log')
  const { state, heardAt } = useConnection(feed.store)
  useEarlierHistory(feed.store, api, summary)
  const asOf = useAsOf(state, heardAt, summary.closed)
  const [choice, choose] = useChoice(props.choice, props.onChoose, summary.execution_id)
  const selectStep = useCallback((step: string | null) => choose({ step }), [choose])
  const pointed = usePointed(summary, history, log, choice.step !== undefined)
  const [asked, setAsked] = useState<LogPlace | null>(null)
  const showLine = useCallback(
    (number: number) => {
      // Before the tab: an application that puts the tab into the address keeps the lines that are in it.
      if (permalinks) linkLines({ first: number, last: number })
      choose({ tab: 'log' })
      setAsked({ number, isAsked: true })
    },
    [choose, permalinks],
  )
  const setFilter = useCallback((filter: LogFilter) => choose({ filter }), [choose])
  const begun = summary.updated_at !== null
  const context: PaneContext = {
    ...{ api, summary, history, controls, log, now: asOf.time },
    executionId: summary.execution_id || executionId || '',
    step: choice.step ?? pointed.step,
    isPointed: pointed.step !== null,
    selectStep,
    line: asked ?? pointed.line,
    showLine,
    filter: choice.filter,
    setFilter,
    live: begun && !summary.closed && state.name === 'live',
    isPresent: asOf.live,
    caughtUp: state.name === 'catching-up' ? state.done / state.total : null,
    permalinks,
    renderStepActions: props.renderStepActions,
  }
  return (
    <section
      className={['headway', 'headway-monitor', props.className].filter(Boolean).join(' ')}
      aria-label={`Execution of ${workflowId}`}
      data-phase={begun ? summary.phase : 'none'}
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
            facts={begun ? factsOf(summary, heardAt, props.serverVersion) : undefined}
          />
          {begun && props.renderActions?.(summary, state.name === 'live')}
        </div>
        {begun && (
          <ProgressSummary
            summary={summary}
            history={history}
            asOf={asOf.time}
            live={asOf.live}
            usualMs={props.usualMs ?? null}
          />
        )}
        <Announcement workflowId={workflowId} summary={summary} controls={controls} begun={begun} />
      </header>
      {begun && props.renderControls?.(summary, controls)}
      {props.renderFailure
        ? props.renderFailure(context)
        : summary.status === 'failed' && <ErrorPanel summary={summary} />}
      {(summary.closed || summary.outputs.length > 0) && (
        <ResultPanel
          context={context}
          onShowAll={props.tabs?.some(({ id }) => id === 'output') ? () => choose({ tab: 'output' }) : null}
        />
      )}
      <Body {...props} context={context} choice={choice} choose={choose} />
      <Seal summary={summary} />
    </section>
  )
}

/** How far what is shown reaches. */
function factsOf(
  { lastSeq, updated_at: at }: Summary,
  heardAt: number | null,
  version: string | undefined,
): string[] {
  return [
    `seq ${formatCount(lastSeq)}`,
    `last event ${formatExact(parseTime(at))}`,
    ...(heardAt === null ? [] : [`server last heard ${formatClock(heardAt)}`]),
    ...(version ? [`server ${version}`] : []),
  ]
}

type Choose = (choice: MonitorChoice) => void
type BodyProps = Pick<WorkflowExecutionMonitorProps, 'views' | 'tabs' | 'showLog' | 'showSteps'> & {
  context: PaneContext
  choice: MonitorChoice
  choose: Choose
}

function Body({ context, choice, choose, views = STEPS_ALONE, tabs = NO_TABS, ...shown }: BodyProps) {
  const [view, rememberView] = useRemembered('headway-view', views[0]?.id ?? '')
  const [tab, rememberTab] = useRemembered('headway-tab', 'log')
  const allTabs = shown.showLog === false ? tabs : [logTab, ...tabs]
  const hasKeys = views.length > 1
  const left = shown.showSteps !== false && views.length > 0 && (
    <PaneTabs
      label="Views of the steps"
      panes={views}
      chosen={choice.view ?? view}
      onChoose={id => {
        rememberView(id)
        choose({ view: id })
      }}
      context={context}
      firstKey={hasKeys ? 1 : undefined}
    >
      <StepDetails context={context} />
    </PaneTabs>
  )
  const right = allTabs.length > 0 && (
    <PaneTabs
      label="Log and more"
      panes={allTabs}
      chosen={choice.tab ?? tab}
      onChoose={id => {
        rememberTab(id)
        choose({ tab: id })
      }}
      context={context}
      firstKey={hasKeys ? views.length + 1 : undefined}
    />
  )
  if (left && right) return <SplitPanes first={left} second={right} />
  return left || right ? <div className="headway-split headway-split--one">{left || right}</div> : null
}

/** What the owner gives goes before what the reader chose here; another execution begins with no step chosen. */
function useChoice(
  given: MonitorChoice | undefined,
  onChoose: Choose | undefined,
  executionId: string,
): [MonitorChoice, Choose] {
  const [own, setOwn] = useState<MonitorChoice>({})
  // biome-ignore lint/correctness/useExhaustiveDependencies: a step belongs to the execution that it was chosen in
  useEffect(() => setOwn(({ step: _, ...rest }) => rest), [executionId])
  const choose = useCallback(
    (next: MonitorChoice) => {
      setOwn(before => ({ ...before, ...next }))
      onChoose?.(next)
    },
    [onChoose],
  )
  const step = given?.step === undefined ? own.step : given.step
  return [{ ...own, ...given, step }, choose]
}

type Pointed = { readonly step: string | null; readonly line: LogPlace | null }

/**
 * In an execution that had failed before the page was opened: what failed, and its line, until the reader chooses.
 * Who watches it fail is left where he is.
 */
function usePointed(
  summary: Summary,
  { history, version }: HistorySlice,
  { log, lines }: LogSlice,
  hasChosen: boolean,
): Pointed {
  const [openedAt] = useState(Date.now)
  const isLate = summary.status === 'failed' && parseTime(summary.ended_at) < openedAt
  // biome-ignore lint/correctness/useExhaustiveDependencies: history and log are objects that change; these say when
  const found = useMemo(() => {
    const failures = isLate ? failuresOf(history, summary) : []
    const step = failures[decisive(failures, summary)]?.stepId ?? null
    return { step, number: step === null ? null : lineOfFailure(log, step) }
  }, [isLate, history, version, log, lines])
  const [step, number] = hasChosen ? [null, null] : [found.step, found.number]
  const line = useMemo(() => (number === null ? null : { number, isAsked: false }), [number])
  return { step, line }
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

/** The time for clocks: now while events can come, or a moment after, else when the server was last heard. */
function useAsOf(state: ConnectionState, heardAt: number | null, closed: boolean): AsOf {
  const connected = state.name === 'live' || state.name === 'catching-up'
  const counting = state.name === 'reconnecting' || state.name === 'stale' || state.name === 'offline'
  const now = useNow((connected || counting) && !closed)
  const live = connected || isShortCut(state, now)
  return { now, time: live || heardAt === null ? now : heardAt, live }
}
