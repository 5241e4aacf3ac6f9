import type { MouseEvent } from 'react'
import type { Source, Workflow } from '../api/decode'
import { formatAgo, formatExact, parseTime } from '../core/format'
import { useNow } from '../hooks/useNow'
import { CopyButton } from './CopyButton'
import { Icon } from './icons'
import { StatusBadge } from './StatusBadge'

/** Files that do not import, each with its traceback; the others go on. */
export function BrokenSources({ sources }: { sources: readonly Source[] }) {
  return sources.map(({ path, import_error: error }) =>
    error ? (
      <section key={path} className="headway-panel" data-tone="bad" aria-label={`Import error of ${path}`}>
        <h2 className="headway-panel__title">
          <Icon name="failed" />
          {fileName(path)} does not import
        </h2>
        <p className="headway-panel__error">{lastLine(error)}</p>
        <details>
          <summary>Traceback of {path}</summary>
          <pre className="headway-code">{error}</pre>
          <CopyButton text={error} label="Copy traceback" />
        </details>
        <p className="headway-empty">Save the mended file and it is read again at once.</p>
      </section>
    ) : null,
  )
}

export type WorkflowCardsProps = {
  workflows: readonly Workflow[]
  /** Address of a workflow's page, so that it can be opened in another tab; without it cards are buttons. */
  href?: ((workflowId: string) => string) | undefined
  onSelect: (workflowId: string) => void
}

/** The workflows to choose from, each with how its latest execution went. */
export function WorkflowCards({ workflows, href, onSelect }: WorkflowCardsProps) {
  if (workflows.length === 0) return <NoWorkflows />
  return (
    <ul className="headway-cards">
      {workflows.map(workflow => (
        <li key={workflow.workflow_id}>
          {href ? (
            <a
              className="headway-card"
              href={href(workflow.workflow_id)}
              onClick={event => {
                if (isElsewhere(event)) return
                event.preventDefault()
                onSelect(workflow.workflow_id)
              }}
            >
              <CardText workflow={workflow} />
            </a>
          ) : (
            <button type="button" className="headway-card" onClick={() => onSelect(workflow.workflow_id)}>
              <CardText workflow={workflow} />
            </button>
          )}
        </li>
      ))}
    </ul>
  )
}

/** The reader wants another tab or window. */
function isElsewhere(event: MouseEvent): boolean {
  return event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
}

function CardText({ workflow }: { workflow: Workflow }) {
  return (
    <>
      <span className="headway-card__title">{workflow.title}</span>
      <span className="headway-card__text">{firstParagraph(workflow.description)}</span>
      <span className="headway-card__foot">
        {workflow.import_error ? <StatusBadge phase="failed" /> : <Latest workflow={workflow} />}
        <code>{workflow.workflow_id}</code>
      </span>
    </>
  )
}

function Latest({ workflow }: { workflow: Workflow }) {
  const { latest } = workflow
  const now = useNow(latest !== null)
  if (!latest) return <span className="headway-empty">never run</span>
  const at = parseTime(latest.ended_at ?? latest.started_at ?? latest.created_at)
  return (
    <>
      <StatusBadge phase={latest.phase} />
      <span className="headway-empty" title={formatExact(at)}>
        {latest.closed ? formatAgo(now - at) : `${Math.floor(latest.progress)} %`}
      </span>
    </>
  )
}

const EXAMPLE = `# flows.py
from headway import step, track, workflow

@step
def fetch(page: int) -> str:
    return f"page {page}"

@workflow
def crawl(pages: int = 20) -> int:
    return len([fetch(page) for page in track(range(pages))])
`
const COMMAND = 'headway serve flows.py'

/** What to do where there is none: an example to copy. */
export function NoWorkflows() {
  return (
    <section className="headway-card headway-first">
      <h2 className="headway-card__title">No workflow yet</h2>
      <p>Save this as flows.py and start the server with it; the page fills by itself.</p>
      <pre className="headway-code">{EXAMPLE}</pre>
      <pre className="headway-code">{COMMAND}</pre>
      <CopyButton text={EXAMPLE} label="Copy example" />
    </section>
  )
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}

function firstParagraph(text: string): string {
  const [paragraph = ''] = text.trim().split(/\n\s*\n/)
  return paragraph.replace(/\s+/g, ' ')
}
