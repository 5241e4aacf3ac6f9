/** What failed and why: one failure at a time, with its causes, its own frames open and those of libraries folded. */

import './FailurePanel.css'
import { type ReactNode, useMemo, useState } from 'react'
import { decisive, type Failure, failuresOf, lineOfFailure } from '../core/failures'
import { formatCount, formatDuration, prettyJson } from '../core/format'
import { type Frame, type Link, parseTraceback, type RaisedError, stretchesOf } from '../core/traceback'
import { CopyButton } from './CopyButton'
import { Icon } from './icons'
import type { PaneContext } from './monitorPane'

export type FailurePanelProps = {
  context: PaneContext
  /** What can be done about it: stands at the end of the panel. */
  renderActions?: ((failure: Failure) => ReactNode) | undefined
  /** What is known of runs before, said at the end of a failed execution's panel. */
  note?: ReactNode
}

/** Nothing where nothing failed; folded where the workflow got over it. */
export function FailurePanel({ context, renderActions, note }: FailurePanelProps) {
  const { summary, step, selectStep } = context
  const failures = useFailures(context)
  const [chosen, setChosen] = useState<string | null>(null)
  const { log, lines } = context.log
  const known = failures.findIndex(({ stepId }) => stepId === (step ?? chosen))
  const index = known >= 0 ? known : decisive(failures, summary)
  const failure = failures[index]
  const stepId = failure?.stepId ?? null
  // biome-ignore lint/correctness/useExhaustiveDependencies: the log is one object that grows with its lines
  const line = useMemo(() => (stepId === null ? null : lineOfFailure(log, stepId)), [log, lines, stepId])
  if (!failure) return null
  const go = (to: number) => {
    const next = failures[(to + failures.length) % failures.length]
    setChosen(next?.stepId ?? null)
    selectStep(next?.stepId ?? null)
  }
  const panel = (
    <>
      <Head failure={failure} onSelect={() => selectStep(failure.stepId)} code={codeOf(context, failure)}>
        {failures.length > 1 && <Pager index={index} count={failures.length} onGo={go} />}
      </Head>
      <Errors key={`${index} ${failure.error}`} failure={failure} />
      <div className="headway-failure__actions">
        {renderActions?.(failure)}
        {line !== null && (
          <button type="button" className="headway-button" onClick={() => context.showLine(line)}>
            Open log at L{line}
          </button>
        )}
        {summary.status === 'failed' && note && <span className="headway-failure__note">{note}</span>}
      </div>
    </>
  )
  if (summary.status === 'failed')
    return (
      <section className="headway-panel headway-failure" data-tone="bad" aria-label="Error">
        {panel}
      </section>
    )
  const count = failures.length === 1 ? '1 step failed' : `${formatCount(failures.length)} steps failed`
  return (
    <details className="headway-panel headway-failure" data-tone={summary.closed ? 'plain' : 'warn'}>
      <summary>
        {count}, {summary.closed ? 'and the workflow went on' : 'and the workflow goes on'}
      </summary>
      {panel}
    </details>
  )
}

function useFailures({ history: { history, version }, summary }: PaneContext): Failure[] {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the history is one object that changes with its version
  return useMemo(() => failuresOf(history, summary), [history, version, summary.closed, summary.step_id])
}

/** The server's own name for the kind of failure, where it says more than that the workflow failed. */
function codeOf({ summary }: PaneContext, { error }: Failure): string | null {
  const { error_code: code } = summary
  return error === summary.error && code !== null && code !== 'workflow_failed' ? code : null
}

type HeadProps = { failure: Failure; code: string | null; onSelect: () => void; children: ReactNode }

function Head({ failure, code, onSelect, children }: HeadProps) {
  const { stepId, name, attempt, tookMs } = failure
  return (
    <h2 className="headway-panel__title headway-failure__title">
      <Icon name="failed" />
      <span>
        Failed in {name}
        {attempt > 1 && ` after ${attempt} tries`}
      </span>
      {tookMs !== null && <span className="headway-failure__took">{formatDuration(tookMs)}</span>}
      {stepId && (
        <button type="button" className="headway-link headway-panel__id" onClick={onSelect}>
          {stepId}
        </button>
      )}
      {code && <code className="headway-panel__id">{code}</code>}
      {children}
    </h2>
  )
}

function Pager({ index, count, onGo }: { index: number; count: number; onGo: (to: number) => void }) {
  return (
    <span className="headway-failure__pager">
      {formatCount(index + 1)} of {formatCount(count)} failures
      <button type="button" aria-label="Failure before" onClick={() => onGo(index - 1)}>
        ‹
      </button>
      <button type="button" aria-label="Next failure" onClick={() => onGo(index + 1)}>
        ›
      </button>
    </span>
  )
}

function Errors({ failure }: { failure: Failure }) {
  const { error, traceback, input, lastLines } = failure
  const errors = useMemo(() => (traceback ? parseTraceback(traceback) : []), [traceback])
  const causes = errors.slice(1).filter(({ text }) => text !== '')
  return (
    <>
      <p className="headway-panel__error">{error}</p>
      {causes.map((cause, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the causes of one failure never move
        <Cause key={index} cause={cause} />
      ))}
      {traceback && (
        <details>
          <summary>Traceback</summary>
          <div className="headway-code headway-traceback">
            {errors.map((raised, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: as above
              <Raised key={index} raised={raised} />
            ))}
          </div>
          <CopyButton text={traceback} label="Copy traceback" />
        </details>
      )}
      {input !== null && (
        <details>
          <summary>Step input</summary>
          <pre className="headway-code">{prettyJson(input)}</pre>
          <CopyButton text={input} label="Copy input" />
        </details>
      )}
      {lastLines.length > 0 && (
        <details>
          <summary>
            {lastLines.length === 1 ? 'Its only log line' : `Its last ${lastLines.length} log lines`}
          </summary>
          <pre className="headway-code">{lastLines.join('\n')}</pre>
        </details>
      )}
    </>
  )
}

const LINKS: Record<Link, string> = {
  cause: 'caused by',
  context: 'while handling',
  member: 'one of',
}

function Cause({ cause: { link, text, frames } }: { cause: RaisedError }) {
  const at = frames.findLast(({ isOwn }) => isOwn) ?? frames.at(-1)
  return (
    <p className="headway-failure__cause">
      {LINKS[link ?? 'cause']} <code>{text.split('\n')[0]}</code>
      {at && (
        <>
          {' '}
          at <span title={at.file}>{placeOf(at)}</span>
        </>
      )}
    </p>
  )
}

function Raised({ raised: { link, text, frames } }: { raised: RaisedError }) {
  return (
    <section>
      {link && <p className="headway-traceback__link">{LINKS[link]}</p>}
      <pre className="headway-traceback__error">{text}</pre>
      {stretchesOf(frames).map(({ isOwn, frames: [first, ...rest] }, index) => {
        const all = first ? [first, ...rest] : rest
        const shown = all.map(frame => (
          <FrameLines key={`${frame.file}:${frame.line}:${frame.name}`} frame={frame} />
        ))
        return isOwn ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: the frames of an error never move
          <div key={index}>{shown}</div>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: as above
          <details key={index}>
            <summary>{all.length === 1 ? '1 library frame' : `${all.length} library frames`}</summary>
            {shown}
          </details>
        )
      })}
    </section>
  )
}

function FrameLines({ frame }: { frame: Frame }) {
  const { file, line, name, code } = frame
  return (
    <div className="headway-traceback__frame">
      <span title={file}>
        {file}:{line}
      </span>{' '}
      in <b>{name}</b>
      {code.length > 0 && <pre>{code.join('\n')}</pre>}
    </div>
  )
}

/** "loader.py:88 in load_chunk". */
function placeOf({ file, line, name }: Frame): string {
  return `${file.split(/[\\/]/).at(-1)}:${line} in ${name}`
}
