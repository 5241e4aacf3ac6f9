/** One execution, live: what happens in it and what can be done to it. */

import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { Problem } from '../api/http'
import { ControlledExecution } from '../components/ControlledExecution'
import type { MonitorChoice } from '../components/monitorPane'
import { Time } from '../components/Time'
import { failureStreak } from '../core/failureStreak'
import { ordinal, parseTime } from '../core/format'
import { lineRangeOf } from '../core/lineRange'
import type { Summary } from '../core/store'
import { choiceOf, type ExecutionSearch, withChoice } from './executionSearch'
import { InputForm } from './form/lazyForms'
import { PageHead } from './PageHead'
import { PageProblem } from './PageProblem'
import { useApi } from './session'
import { useKeys } from './useKeys'
import { useLastingError } from './useLastingError'
import { useServer } from './useServer'
import { useFavicon, useTitle } from './useTitle'

/** Where the server could not say anything of the execution. */
const RETRY_MS = 3_000

const executionRoute = getRouteApi('/executions/$executionId')

export function ExecutionPage() {
  const { executionId } = executionRoute.useParams()
  const api = useApi()
  const query = useQuery({
    queryKey: ['execution', executionId],
    queryFn: ({ signal }) => api.execution(executionId, signal),
    retry: false,
    refetchInterval: ({ state: { error } }) => error !== null && !isFinal(error) && RETRY_MS,
  })
  const { data } = query
  const failed = useLastingError(query)
  if (failed && !data) {
    return <PageProblem error={failed} what={`Execution ${executionId}`} onRetry={query.refetch} />
  }
  if (!data) return <PageHead title="Loading…" above={<Link to="/executions">Executions</Link>} />
  return <OneExecution key={executionId} executionId={executionId} workflowId={data.execution.workflow_id} />
}

/** The server has said what is so; asking again changes nothing. */
function isFinal(error: Error): boolean {
  return error instanceof Problem && [400, 401, 403, 404].includes(error.status)
}

function OneExecution({ executionId, workflowId }: { executionId: string; workflowId: string }) {
  const api = useApi()
  const navigate = useNavigate({ from: '/executions/$executionId' })
  const choice = choiceOf(executionRoute.useSearch())
  // Whatever the reader looked at the last time: who follows a link to a line wants the log.
  const [isLineLink] = useState(() => lineRangeOf(location.hash) !== null)
  const usualMs = useUsualMs(workflowId)
  const { data: server } = useServer()
  const { data } = useQuery({
    queryKey: ['workflow', workflowId],
    queryFn: ({ signal }) => api.workflow(workflowId, signal),
    retry: false,
  })
  const open = (id: string) =>
    navigate({ to: '/executions/$executionId', params: { executionId: id }, search: {} })
  const [hasChosen, setHasChosen] = useState(choice.step !== null)
  const choose = (next: MonitorChoice) => {
    if (next.step !== undefined) setHasChosen(true)
    return navigate({
      search: (before: ExecutionSearch) => withChoice(before, next),
      hash: true,
      replace: true,
      resetScroll: false,
    })
  }
  useMonitorKeys(choose)
  return (
    <>
      <PageHead
        title={data?.title ?? workflowId}
        above={
          <>
            <Link to="/executions">Executions</Link> / <code>{executionId}</code>
          </>
        }
      >
        <Link to="/workflows/$workflowId" params={{ workflowId }}>
          Open the workflow
        </Link>
      </PageHead>
      <ControlledExecution
        className="app-monitor"
        api={api}
        workflowId={workflowId}
        executionId={executionId}
        form={InputForm}
        inputSchema={data?.import_error === null ? data.input_schema : undefined}
        onStarted={open}
        choice={{
          ...choice,
          step: choice.step ?? (hasChosen ? null : undefined),
          tab: choice.tab ?? (isLineLink ? 'log' : undefined),
        }}
        onChoose={choose}
        usualMs={usualMs}
        serverVersion={server?.version}
        failureNote={<FailedBefore workflowId={workflowId} executionId={executionId} />}
        renderOrigin={summary => (
          <>
            <StatusInTitle workflowId={workflowId} summary={summary} />
            <Origin summary={summary} />
          </>
        )}
      />
    </>
  )
}

const PANES: Record<string, MonitorChoice> = {
  '1': { view: 'timeline' },
  '2': { view: 'graph' },
  '3': { view: 'steps' },
  '4': { tab: 'log' },
  '5': { tab: 'output' },
  '6': { tab: 'events' },
}

const findKey = <Kind extends HTMLElement>(key: string) =>
  document.querySelector<Kind>(`.headway-monitor [data-key="${key}"]`)

/**
 * Numbers show a pane, / goes to the search of the log, Esc clears the step, p and t select those that it is part of;
 * c and r go to their buttons, and press them where they are already.
 */
function useMonitorKeys(choose: (choice: MonitorChoice) => Promise<void>): void {
  const press = (key: string) => () => {
    const button = findKey<HTMLButtonElement>(key)
    if (button === document.activeElement) button?.click()
    else button?.focus()
  }
  const find = async () => {
    // What is hidden cannot have the focus.
    if (!findKey('/')?.checkVisibility()) await choose({ tab: 'log' })
    const input = findKey<HTMLInputElement>('/')
    input?.focus()
    input?.select()
  }
  const panes = Object.entries(PANES).map(([key, choice]) => [key, () => choose(choice)])
  useKeys({
    ...Object.fromEntries(panes),
    '/': () => void find(),
    Escape: () => choose({ step: null }),
    c: press('c'),
    r: press('r'),
    p: () => findKey('p')?.click(),
    t: () => (findKey('t') ?? findKey('p'))?.click(),
  })
}

/** Since which run it fails, where it is not the first to. */
function FailedBefore({ workflowId, executionId }: { workflowId: string; executionId: string }) {
  const api = useApi()
  const { data } = useQuery({
    queryKey: ['statistics'],
    queryFn: ({ signal }) => api.statistics(signal),
    retry: false,
  })
  const runs = data?.find(each => each.workflow_id === workflowId)?.runs ?? []
  const streak = failureStreak(runs, executionId)
  if (!streak) return null
  const { first, count, isCut } = streak
  return (
    <>
      {isCut ? 'failing since' : 'first failed run:'}{' '}
      <Link to="/executions/$executionId" params={{ executionId: first }} search={{}}>
        {first.slice(-8)}
      </Link>
      {isCut && ' or before'} ({isCut && 'at least '}
      {ordinal(count)} in a row)
    </>
  )
}

/** The median of the executions that ended lately, for an estimate of what is left. */
function useUsualMs(workflowId: string): number | null {
  const api = useApi()
  const { data } = useQuery({
    queryKey: ['statistics'],
    queryFn: ({ signal }) => api.statistics(signal),
    staleTime: 60_000,
    retry: false,
  })
  const seconds = data?.find(each => each.workflow_id === workflowId)?.p50_s ?? null
  return seconds === null ? null : seconds * 1_000
}

const MARKS: Record<string, string> = { completed: '✓', failed: '✗', cancelled: '⊘' }

function StatusInTitle({ workflowId, summary }: { workflowId: string; summary: Summary }) {
  const { phase, progress, indeterminate } = summary
  const running = indeterminate || phase === 'queued' ? phase : `${Math.floor(progress)} %`
  useTitle(MARKS[phase] ? `${MARKS[phase]} ${phase}` : running, workflowId)
  useFavicon(phase)
  return null
}

/** Who started it, when, from what, with which input. */
function Origin({ summary }: { summary: Summary }) {
  const { queued_at, started_at, by, retry_of: of, from_step: step, input } = summary
  const [shown, setShown] = useState(false)
  return (
    <div className="app-origin">
      <Text fz={13} c="dimmed">
        {started_at ? 'started' : 'queued'} <Time at={parseTime(started_at ?? queued_at)} />
        {by && ` by ${by}`}
        {of && (
          <>
            , again {step ? `from ${step} of` : 'after'}{' '}
            <Link
              to="/executions/$executionId"
              params={{ executionId: of }}
              aria-label={`the execution it does over, ${of}`}
            >
              {of.slice(-6)}
            </Link>
          </>
        )}{' '}
        <button type="button" className="headway-link" aria-expanded={shown} onClick={() => setShown(!shown)}>
          {shown ? 'hide input' : 'show input'}
        </button>
      </Text>
      {shown && <pre className="headway-code">{JSON.stringify(input, null, 2)}</pre>}
    </div>
  )
}
