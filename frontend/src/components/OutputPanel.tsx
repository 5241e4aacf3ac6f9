/** What went in and what came out: input, output and files, as trees that open. */

import './OutputPanel.css'
import { CopyButton } from './CopyButton'
import { JsonTree } from './JsonTree'
import type { MonitorPane, PaneContext } from './monitorPane'
import { FileList } from './Outcome'

export const outputTab: MonitorPane = {
  id: 'output',
  label: 'Output',
  render: context => <OutputPanel context={context} />,
}

const NO_OUTPUT: Record<string, string> = {
  failed: 'It failed before it returned anything.',
  cancelled: 'It was cancelled before it returned anything.',
}

export function OutputPanel({ context }: { context: PaneContext }) {
  const { summary, api, executionId } = context
  const { input, output, outputs, closed, status } = summary
  const hasOutput = output !== null && output !== undefined
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long value scrolls in here, by keyboard too
    <section className="headway-output" aria-label="Input and output" tabIndex={0}>
      <Value title="Output" value={output} shown={hasOutput}>
        {closed ? (NO_OUTPUT[status] ?? 'It returned nothing.') : 'It has returned nothing so far.'}
      </Value>
      {outputs.length > 0 && (
        <div className="headway-output__part">
          <h3 className="headway-heading">Files</h3>
          <FileList outputs={outputs} api={api} executionId={executionId} />
        </div>
      )}
      <Value title="Input" value={input} shown={input !== null && input !== undefined}>
        It took no input.
      </Value>
    </section>
  )
}

type ValueProps = { title: string; value: unknown; shown: boolean; children: string }

function Value({ title, value, shown, children }: ValueProps) {
  return (
    <div className="headway-output__part">
      <h3 className="headway-heading">
        {title}
        {shown && <CopyButton text={JSON.stringify(value, null, 2)} label="Copy" />}
      </h3>
      {shown ? <JsonTree value={value} label={title} /> : <p className="headway-empty">{children}</p>}
    </div>
  )
}
