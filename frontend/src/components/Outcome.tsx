import type { HttpApi } from '../api/http'
import type { OutputState } from '../core/fold'
import { formatBytes, formatCount, formatCounted } from '../core/format'
import type { Why } from '../core/messages'
import type { Summary } from '../core/store'
import { CopyButton } from './CopyButton'
import { Icon } from './icons'
import type { PaneContext } from './monitorPane'

/** What went wrong: the error, where, and its traceback, folded. */
export function ErrorPanel({ summary }: { summary: Summary }) {
  const { error, error_code: code, step, step_id: stepId, traceback } = summary
  return (
    <section className="headway-panel" data-tone="bad" aria-label="Error">
      <h2 className="headway-panel__title">
        <Icon name="failed" />
        {step ? `Failed in ${step}` : 'Failed'}
        {stepId && stepId !== step && <span className="headway-panel__id">{stepId}</span>}
        {code && code !== 'workflow_failed' && <code className="headway-panel__id">{code}</code>}
      </h2>
      <p className="headway-panel__error">{error}</p>
      {traceback && (
        <details>
          <summary>Traceback</summary>
          <pre className="headway-code">{traceback}</pre>
          <CopyButton text={traceback} label="Copy traceback" />
        </details>
      )}
    </section>
  )
}

export type ResultPanelProps = {
  context: PaneContext
  /** Where given, one line of the output is shown, and a button for all of it. */
  onShowAll: (() => void) | null
}

/** What the execution gave back: its output and the files it left. */
export function ResultPanel({ context, onShowAll }: ResultPanelProps) {
  const { summary, api, executionId } = context
  const { output, outputs, status } = summary
  const hasOutput = output !== null && output !== undefined
  if (!hasOutput && outputs.length === 0) return null
  const whole = JSON.stringify(output, null, 2)
  return (
    <section
      className="headway-panel headway-result"
      data-tone={status === 'completed' ? 'good' : 'plain'}
      data-short={onShowAll !== null}
      aria-label="Result"
    >
      <h2 className="headway-panel__title">
        Result
        {hasOutput && !onShowAll && <CopyButton text={whole} label="Copy" />}
      </h2>
      {outputs.length > 0 && <FileList outputs={outputs} api={api} executionId={executionId} />}
      {hasOutput && !onShowAll && <pre className="headway-code">{whole}</pre>}
      {hasOutput && onShowAll && (
        <button type="button" className="headway-result__line" title="Show all of it" onClick={onShowAll}>
          {JSON.stringify(output).slice(0, LINE_CHARS)}
        </button>
      )}
    </section>
  )
}

/** More than a line holds. */
const LINE_CHARS = 400

type FileListProps = { outputs: readonly OutputState[]; api: HttpApi; executionId: string }

export function FileList({ outputs, api, executionId }: FileListProps) {
  const folder = `api/executions/${encodeURIComponent(executionId)}/outputs`
  return (
    <ul className="headway-files">
      {outputs.map(({ name, media_type, size }) => (
        <li key={name}>
          <a href={api.address(`${folder}/${encodeURIComponent(name)}`)} target="_blank" rel="noreferrer">
            <Icon name="download" />
            {name}
          </a>
          <span>
            {media_type} · {formatBytes(size)}
          </span>
        </li>
      ))}
    </ul>
  )
}

/** Why the page had to begin anew, by the server's reason. */
const RESETS: Readonly<Record<Why, string>> = {
  epoch: 'its log was written anew',
  ahead: 'an older copy of its log was restored',
  fork: 'an older copy of its log was restored, and it went on differently',
  trimmed: 'events that were missing here are no longer kept',
}

/** Whether everything that happened is on this page, by the totals of the last event. */
export function Seal({ summary }: { summary: Summary }) {
  const { totals, counts, lastSeq, firstSeq, closed, resetBy } = summary
  const reset = resetBy !== null && (
    <p className="headway-seal" role="status">
      Shown anew: {RESETS[resetBy]}.
    </p>
  )
  if (firstSeq > 1) {
    return (
      <p className="headway-seal">
        The log begins at event {formatCount(firstSeq)}; download it for the whole.
      </p>
    )
  }
  if (!closed || !totals) {
    return (
      <>
        {reset}
        {lastSeq > 0 && (
          <p className="headway-seal">{formatCounted(lastSeq, 'event')} so far, none missing</p>
        )}
      </>
    )
  }
  const whole = counts.events === totals.events
  return (
    <>
      {reset}
      <p className="headway-seal" data-whole={whole}>
        {whole && <Icon name="sealed" />}
        {whole ? 'complete' : 'incomplete'}: {formatCount(counts.events)} of {formatCount(totals.events)}{' '}
        events, {formatCount(counts.logs)} of {formatCount(totals.logs)} log lines
        {totals.dropped > 0 && `; ${formatCount(totals.dropped)} dropped by the producer`}
        {verified(summary)}
      </p>
    </>
  )
}

/** From where on the page has checked each event against the hash chain; nothing where the server has none. */
function verified({ verifiedFrom, lastSeq }: Summary): string {
  if (verifiedFrom === null || verifiedFrom >= lastSeq) return ''
  return verifiedFrom === 0 ? '; verified' : `; verified from event ${formatCount(verifiedFrom + 1)}`
}
