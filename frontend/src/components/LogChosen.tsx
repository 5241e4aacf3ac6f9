/** The lines a reader has chosen: copied, linked, or left again. */

import type { LogApi } from '../api/log'
import { type ChunkedLog, chunkOfMessage } from '../core/chunks'
import { formatCount } from '../core/format'
import { hashOf, type LineRange } from '../core/lineRange'
import type { Log } from '../hooks/useLog'
import { CopyButton } from './CopyButton'
import { Icon } from './icons'

/** More is a download. */
const MOST_COPIED = 50_000

export type ChosenLinesProps = { log: Log; held: ChunkedLog; api: LogApi | null; range: LineRange }

export function ChosenLines({ log, held, api, range }: ChosenLinesProps) {
  const { first, last } = range
  const link = `${location.origin}${location.pathname}${location.search}${hashOf(range)}`
  return (
    <div className="headway-log__chosen">
      <span>
        {first === last ? `Line ${formatCount(first)}` : `Lines ${formatCount(first)}–${formatCount(last)}`}
      </span>
      {last - first < MOST_COPIED && <CopyButton text={() => textOf(held, api, range)} label="Copy" />}
      {log.isLinked && <CopyButton text={link} label="Copy link" />}
      {log.back && (
        <button type="button" className="headway-button headway-button--quiet" onClick={log.back}>
          Back to the matches
        </button>
      )}
      <button
        type="button"
        className="headway-button headway-button--quiet"
        aria-label="Choose no line"
        title="Choose no line (Esc)"
        onClick={() => log.choose(null)}
      >
        <Icon name="failed" />
      </button>
    </div>
  )
}

/** The messages without numbers and times; those that are not held are fetched first. */
async function textOf(log: ChunkedLog, api: LogApi | null, { first, last }: LineRange): Promise<string> {
  for (let chunk = chunkOfMessage(first); api && chunk <= chunkOfMessage(last); chunk++) {
    const held = log.held(chunk)
    if (!held || held.from > 0) log.arrive(chunk, await api.chunk(chunk, new AbortController().signal, null))
  }
  return log.text(first, last)
}
