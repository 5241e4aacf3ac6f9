/** Choose a workflow, fill its form, run it and watch it: holds the Monitor. Own styles, no component kit. */

import './WorkflowExecutionMonitor.css'
import './WorkflowExecutionInterface.css'
import { useCallback, useMemo, useState } from 'react'
import { baseAddress } from '../api/address'
import type { Workflow, WorkflowList } from '../api/decode'
import { HttpApi } from '../api/http'
import { newIdempotencyKey } from '../api/idempotency'
import type { TokenSource } from '../api/token'
import type { ExecutionResult } from '../core/events'
import { usePolled } from '../hooks/usePolled'
import { useToken } from '../hooks/useToken'
import { ControlledExecution } from './ControlledExecution'
import { InputForm } from './InputForm'
import { Icon } from './icons'
import { RunForm } from './RunForm'
import { BrokenSources, WorkflowCards } from './WorkflowList'

/** A saved file is imported anew: its form and its errors appear within this time. */
const REFRESH_MS = 3_000

export type WorkflowExecutionInterfaceProps = {
  /** The workflow to show; without it the list to choose from. */
  workflowId?: string | undefined
  /** The execution to show. */
  executionId?: string | undefined
  /** Address of the Headway server; by default the page's own. */
  apiBase?: string | undefined
  /** Gives the token of who looks, for pages of another origin; called before each try. */
  token?: TokenSource | undefined
  className?: string | undefined
  /** Address of a workflow's page in the application around; makes the list one of links. */
  workflowHref?: ((workflowId: string) => string) | undefined
  onWorkflowSelect?: ((workflowId: string | null) => void) | undefined
  onExecutionStart?: ((executionId: string, workflowId: string) => void) | undefined
  onExecutionComplete?: ((result: ExecutionResult) => void) | undefined
}

/** Finds, starts, cancels, runs again and shows executions. */
export function WorkflowExecutionInterface(props: WorkflowExecutionInterfaceProps) {
  const { apiBase } = props
  const token = useToken(props.token)
  const [chosen, setChosen] = useState<string | null>(null)
  const api = useMemo(() => new HttpApi(apiBase, undefined, token), [apiBase, token])
  const load = useCallback((signal: AbortSignal) => api.workflows(signal), [api])
  const { value, error } = usePolled(load, REFRESH_MS)
  const workflowId = props.workflowId ?? chosen
  const select = (id: string | null) => {
    setChosen(id)
    props.onWorkflowSelect?.(id)
  }
  return (
    <div className={['headway', 'headway-interface', props.className].filter(Boolean).join(' ')}>
      {error && <Unreachable message={error.message} stale={value !== null} />}
      {workflowId === null ? (
        <Choice list={value} failed={error !== null} href={props.workflowHref} onSelect={select} />
      ) : (
        <OneWorkflow
          key={workflowId}
          {...props}
          api={api}
          list={value}
          workflowId={workflowId}
          onBack={props.workflowId === undefined ? () => select(null) : null}
        />
      )}
    </div>
  )
}

function Unreachable({ message, stale }: { message: string; stale: boolean }) {
  return (
    <p className="headway-notice" data-tone="bad" role="alert">
      {message} {stale ? 'What is shown may be out of date; trying again.' : 'Trying again.'}
    </p>
  )
}

type ChoiceProps = {
  list: WorkflowList | null
  failed: boolean
  href: ((workflowId: string) => string) | undefined
  onSelect: (id: string) => void
}

function Choice({ list, failed, href, onSelect }: ChoiceProps) {
  if (!list) return failed ? null : <p className="headway-empty">Loading…</p>
  return (
    <>
      <BrokenSources sources={list.sources} />
      <WorkflowCards workflows={list.workflows} href={href} onSelect={onSelect} />
    </>
  )
}

type OneWorkflowProps = Omit<WorkflowExecutionInterfaceProps, 'workflowId'> & {
  api: HttpApi
  list: WorkflowList | null
  workflowId: string
  onBack: (() => void) | null
}

function OneWorkflow(props: OneWorkflowProps) {
  const { api, list, workflowId, onBack } = props
  const [started, setStarted] = useState<string | null>(null)
  const executionId = started ?? props.executionId ?? null
  const workflow = list?.workflows.find(each => each.workflow_id === workflowId)
  const show = (id: string) => {
    setStarted(id)
    props.onExecutionStart?.(id, workflowId)
  }
  const run = async (input: unknown) =>
    show((await api.start(workflowId, input, newIdempotencyKey())).execution_id)
  if (list && !workflow && executionId === null) {
    return <Missing workflowId={workflowId} list={list} onBack={onBack} />
  }
  return (
    <>
      {onBack && (
        <button type="button" className="headway-link headway-interface__back" onClick={onBack}>
          All workflows
        </button>
      )}
      {workflow?.import_error && <ImportError workflow={workflow} error={workflow.import_error} />}
      {workflow && (
        <RunCard workflow={workflow} folded={executionId !== null} apiBase={props.apiBase} onRun={run} />
      )}
      {executionId !== null && (
        <ControlledExecution
          key={executionId}
          api={api}
          workflowId={workflowId}
          executionId={executionId}
          apiBase={props.apiBase}
          token={props.token}
          onStarted={show}
          onExecutionComplete={props.onExecutionComplete}
        />
      )}
    </>
  )
}

type RunCardProps = {
  workflow: Workflow
  folded: boolean
  apiBase: string | undefined
  onRun: (input: unknown) => Promise<void>
}

/** The form; folded away while an execution is shown, so that the page is the execution's. */
function RunCard({ workflow, folded, apiBase, onRun }: RunCardProps) {
  if (folded) {
    return (
      <details className="headway-card headway-run">
        <summary>
          <Icon name="open" />
          Run {workflow.title} with other input
        </summary>
        <InputForm
          key={JSON.stringify(workflow.input_schema)}
          schema={workflow.input_schema}
          disabled={workflow.import_error !== null}
          hint={workflow.import_error ? 'Mend the file, then run.' : undefined}
          onSubmit={onRun}
        />
      </details>
    )
  }
  return (
    <RunForm
      key={JSON.stringify(workflow.input_schema)}
      workflow={workflow}
      base={baseAddress(apiBase).href}
      onRun={onRun}
    />
  )
}

function ImportError({ workflow, error }: { workflow: Workflow; error: string }) {
  return (
    <BrokenSources
      sources={[{ path: workflow.source || workflow.workflow_id, import_error: error, loaded_at: '' }]}
    />
  )
}

type MissingProps = { workflowId: string; list: WorkflowList; onBack: (() => void) | null }

function Missing({ workflowId, list, onBack }: MissingProps) {
  return (
    <>
      <BrokenSources sources={list.sources} />
      <section className="headway-card">
        <h2 className="headway-card__title">No workflow is called {workflowId}</h2>
        <p className="headway-empty">
          It may be in a file that the server was not started with, or does not import.
        </p>
        {onBack && (
          <button type="button" className="headway-button" onClick={onBack}>
            All workflows
          </button>
        )}
      </section>
    </>
  )
}
