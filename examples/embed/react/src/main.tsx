/** An application that starts a workflow with a button of its own and shows it live in its page. */

import { type ExecutionResult, HttpApi, WorkflowExecutionMonitor } from '@headway/react'
import '@headway/react/style.css'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'

const asked = new URLSearchParams(location.search)
const SERVER = asked.get('server') ?? 'http://127.0.0.1:8321/'
const WORKFLOW = asked.get('workflow') ?? 'quickstart'

function Reports() {
  const [result, setResult] = useState<ExecutionResult | null>(null)
  const [problem, setProblem] = useState('')

  async function start() {
    setResult(null)
    try {
      await new HttpApi(SERVER).start(WORKFLOW, {}, crypto.randomUUID())
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
    }
  }

  return (
    <main style={{ maxWidth: '60rem', margin: '2rem auto', padding: '0 1rem' }}>
      <h1>Reports</h1>
      <button type="button" onClick={start}>
        Make the report
      </button>
      <p role="alert">{problem}</p>
      <p role="status">{result && `The report ${result.status}: ${JSON.stringify(result.output)}`}</p>
      <WorkflowExecutionMonitor workflowId={WORKFLOW} apiBase={SERVER} onExecutionComplete={setResult} />
    </main>
  )
}

const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <StrictMode>
      <Reports />
    </StrictMode>,
  )
