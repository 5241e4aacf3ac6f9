/** What happened before the page's first event, read by HTTP where a snapshot tells too little of it. */

import { useEffect } from 'react'
import type { HttpApi } from '../api/http'
import { ExecutionHistory } from '../core/history'
import type { ExecutionStore, Summary } from '../core/store'

const PAGE_EVENTS = 2_500
/** A longer past is left as the snapshot sketches it: reading it would take longer than a reader waits. */
const MAX_EVENTS = 30_000

export function useEarlierHistory(store: ExecutionStore, api: HttpApi, { execution_id: id }: Summary): void {
  useEffect(() => {
    if (id === '') return
    const { history } = store.get('history')
    const upto = store.get('summary').lastSeq
    if (!history.isSketchy || upto > MAX_EVENTS) return
    const abort = new AbortController()
    readHistory(api, id, upto, abort.signal).then(
      earlier =>
        abort.signal.aborted || store.get('history').history !== history || store.absorbHistory(earlier),
      () => {}, // the sketch stays
    )
    return () => abort.abort()
  }, [store, api, id])
}

async function readHistory(
  api: HttpApi,
  executionId: string,
  upto: number,
  signal: AbortSignal,
): Promise<ExecutionHistory> {
  const history = new ExecutionHistory()
  for (let after = 0; after < upto; ) {
    const { events } = await api.events(executionId, after, Math.min(PAGE_EVENTS, upto - after), signal)
    for (const event of events) history.apply(event)
    const last = events.at(-1)?.seq
    if (last === undefined) break
    after = last
  }
  return history
}
