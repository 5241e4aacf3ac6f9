/** The Monitor with what a person can do to its execution: cancel, answer, run again, go on from a step. */

import { type ComponentType, type ReactNode, useRef, useState } from 'react'
import type { JsonSchema } from '../api/decode'
import type { HttpApi } from '../api/http'
import { newIdempotencyKey } from '../api/idempotency'
import type { TokenSource } from '../api/token'
import type { ExecutionResult } from '../core/events'
import type { Summary } from '../core/store'
import { rememberedName } from '../hooks/useRememberedName'
import { eventsTab } from './EventList'
import { ExecutionActions } from './ExecutionActions'
import { ExecutionControls } from './ExecutionControls'
import { FailureActions } from './FailureActions'
import { FailurePanel } from './FailurePanel'
import { graphView } from './Graph'
import { InputForm, type InputFormProps } from './InputForm'
import { Icon } from './icons'
import type { MonitorChoice, MonitorPane } from './monitorPane'
import { outputTab } from './OutputPanel'
import { RetryFromStep } from './RetryFromStep'
import { stepsView } from './StepList'
import { timelineView } from './Timeline'
import { WorkflowExecutionMonitor } from './WorkflowExecutionMonitor'

export type ControlledExecutionProps = {
  api: HttpApi
  workflowId: string
  executionId: string
  /** Of the workflow's input; with it, an ended execution can be run again with changed input. */
  inputSchema?: JsonSchema | undefined
  /** What the changed input is written in; by default the small form. */
  form?: ComponentType<InputFormProps> | undefined
  apiBase?: string | undefined
  /** Gives the token of who looks, for pages of another origin. */
  token?: TokenSource | undefined
  className?: string | undefined
  /** What stands before the buttons in the first row. */
  renderOrigin?: ((summary: Summary) => ReactNode) | undefined
  /** Called with the id of an execution that does this one over. */
  onStarted: (executionId: string) => void
  onExecutionComplete?: ((result: ExecutionResult) => void) | undefined
  /** The step, view and tab that are chosen, where an address names them. */
  choice?: MonitorChoice | undefined
  onChoose?: ((choice: MonitorChoice) => void) | undefined
  /** How long an execution of the workflow usually takes. */
  usualMs?: number | null | undefined
  /** Of the server, where it is known. */
  serverVersion?: string | undefined
  /** What is known of runs before, said where it failed. */
  failureNote?: ReactNode
}

const VIEWS: readonly MonitorPane[] = [timelineView, graphView, stepsView]
const TABS: readonly MonitorPane[] = [outputTab, eventsTab]

export function ControlledExecution(props: ControlledExecutionProps) {
  const { api, workflowId, executionId, inputSchema, renderOrigin, onStarted, form: Form = InputForm } = props
  const [changing, setChanging] = useState(false)
  const panel = useRef<HTMLElement>(null)
  // The form stands above the button that opens it.
  const focusForm = () =>
    panel.current?.querySelector<HTMLElement>('input, select, textarea, button')?.focus()
  const runAgain = async (input: unknown) => {
    const change = { input, by: rememberedName() }
    onStarted((await api.retry(executionId, newIdempotencyKey(), change)).execution_id)
  }
  const change = inputSchema && { shown: changing, toggle: () => setChanging(!changing) }
  return (
    <WorkflowExecutionMonitor
      className={props.className}
      workflowId={workflowId}
      executionId={executionId}
      permalinks={props.choice !== undefined}
      apiBase={props.apiBase}
      token={props.token}
      onExecutionComplete={props.onExecutionComplete}
      views={VIEWS}
      tabs={TABS}
      choice={props.choice}
      onChoose={props.onChoose}
      usualMs={props.usualMs}
      serverVersion={props.serverVersion}
      renderActions={(summary, isLive) => (
        <>
          {renderOrigin?.(summary)}
          <ExecutionActions
            api={api}
            summary={summary}
            isLive={isLive}
            onStarted={onStarted}
            change={change}
          />
        </>
      )}
      renderControls={(summary, controls) => (
        <>
          {changing && inputSchema && summary.closed && (
            <section ref={panel} className="headway-panel" aria-label="Run again with changed input">
              <h2 className="headway-panel__title">
                <Icon name="retrying" />
                Run again with changed input
              </h2>
              <Form
                schema={inputSchema}
                initial={summary.input}
                label="Run again"
                onShown={focusForm}
                onSubmit={runAgain}
              />
            </section>
          )}
          <ExecutionControls api={api} summary={summary} controls={controls} />
        </>
      )}
      renderFailure={context => (
        <FailurePanel
          context={context}
          note={props.failureNote}
          renderActions={failure =>
            context.summary.closed && (
              <FailureActions
                api={api}
                executionId={executionId}
                failure={failure}
                onStarted={onStarted}
                onChangeInput={
                  inputSchema &&
                  (() => {
                    setChanging(true)
                    focusForm() // where it was open already
                  })
                }
              />
            )
          }
        />
      )}
      renderStepActions={step => (
        <RetryFromStep api={api} executionId={executionId} step={step} onStarted={onStarted} />
      )}
    />
  )
}
