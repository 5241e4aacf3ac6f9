/** Everything a log panel does but drawing: filter, search, groups, chosen lines, following. */

import { useCallback, useEffect, useMemo, useState } from 'react'
import type { LogApi } from '../api/log'
import { chunkOfMessage, type LogLine } from '../core/chunks'
import { extended, type LineRange } from '../core/lineRange'
import type { LogFilter } from '../core/logFilter'
import { isEverything } from '../core/logMatch'
import type { RowAct } from '../core/logRow'
import { nextTimeStyle } from '../core/logTime'
import type { LogSlice } from '../core/store'
import { useFreshLines } from './useFreshLines'
import { useLineHash } from './useLineHash'
import { useLogChunks } from './useLogChunks'
import { type FilterHandle, useLogFilter } from './useLogFilter'
import { type LogHits, useLogHits } from './useLogHits'
import { type SelectedLines, useLogSelection } from './useLogSelection'
import { useLogSettings } from './useLogSettings'
import { type LogViewHandle, useLogView } from './useLogView'

export type LogOptions = {
  slice: LogSlice
  /** `null` where there is no server to fetch from: then what is held is all there is. */
  api: LogApi | null
  /** Only the lines of this step. */
  stepId: string | null
  onStep: ((stepId: string | null) => void) | undefined
  /** What relative times begin at, in milliseconds since 1970. */
  startedAt: number
  /** Chosen lines stand in the page's address. */
  permalinks: boolean
  /** A line to bring into view, once for each object; one that was asked for is chosen, too. */
  place: { readonly number: number; readonly isAsked: boolean } | null
  /** Lines come as they are written. */
  live: boolean
  /** What the owner has the filter set to, and is told of it. */
  given: LogFilter | undefined
  onFilter: ((filter: LogFilter) => void) | undefined
}

export type Log = FilterHandle & {
  /** What filter, groups and clearing leave. */
  readonly lines: SelectedLines
  /** What the search finds among them. */
  readonly found: SelectedLines
  readonly hits: LogHits
  readonly view: LogViewHandle
  /** Messages that are shown, and that have come since the reader stopped following. */
  readonly shown: number
  readonly fresh: number
  readonly chosen: LineRange | null
  choose(range: LineRange | null): void
  /** Chosen lines stand in the page's address. */
  readonly isLinked: boolean
  readonly cleared: boolean
  clear(clear: boolean): void
}

export function useLog(options: LogOptions): Log {
  const { slice, api, stepId, onStep, startedAt, permalinks, place } = options
  const { log, lines: messages } = slice
  const [settings, setSettings] = useLogSettings()
  const filter = useLogFilter(stepId, options.given, options.onFilter)
  const [cleared, setCleared] = useState(0)
  const [chosen, choose] = useLineHash(permalinks)
  const [current, setCurrent] = useState<number | null>(null)
  const { query, match, sought } = filter
  const { grouped, time, wrap } = settings

  const selects = !isEverything(query) || grouped || cleared > 0
  const lines = useLogSelection(log, selects ? match : null, api, cleared, grouped)
  const { text, onlyMatches } = filter.filter
  const isSame = onlyMatches && !grouped
  const others = useLogSelection(log, text === '' || isSame ? null : sought, api, cleared, false)
  const found = isSame && text !== '' ? lines : others
  const source = lines.selection ?? log
  const pattern = sought?.pattern ?? null
  const digits = Math.max(4, String(messages).length)
  const look = useMemo(
    () => ({ time, startedAt, pattern, current, selected: chosen, digits }),
    [time, startedAt, pattern, current, chosen, digits],
  )
  const complete = async ({ number, cut }: LogLine) => {
    const whole = cut && (await api?.message(cut.seq).catch(() => null))
    if (whole) log.complete(number, whole)
    view.changed()
  }
  const onAct = (act: RowAct | 'text', line: LogLine, event: MouseEvent) => {
    if (act === 'line') choose(extended(event.shiftKey ? chosen : null, line.number))
    else if (act === 'time') setSettings({ time: nextTimeStyle(time) })
    else if (act === 'step' && line.step) onStep?.(line.step)
    else if (act === 'group' && line.group) lines.selection?.toggle(line.group.key)
    else if (act === 'retry') log.retry(chunkOfMessage(line.number))
    else if (act === 'whole') void complete(line)
    else if (act === 'text' && (query.text !== '' || query.minLevel > 0)) {
      filter.leave()
      choose({ first: line.number, last: line.number })
    }
    view.changed()
  }
  const live = options.live ? log : null
  const view = useLogView({ source, look, wrap, live, startsStill: chosen !== null, onAct })
  const hits = useLogHits(found, view, messages)
  useEffect(() => setCurrent(hits.current), [hits.current])
  useChanges(slice, api, view, lines, found)
  useChosenInView(chosen, messages, view)
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another place moves the log under the reader
  useEffect(() => {
    if (!place) return
    if (place.isAsked) {
      if (query.text !== '' || query.minLevel > 0) filter.leave()
      choose({ first: place.number, last: place.number })
      view.show(place.number)
      view.focus()
    } else if (!chosen) view.show(place.number)
  }, [place])

  const shown = lines.selection ? lines.selection.total : messages
  const { following } = view
  const fresh = useFreshLines(shown, source, { following, settled: !lines.searching, live: options.live })
  const clear = (clear: boolean) => setCleared(clear ? messages : 0)
  const own = { lines, found, hits, view, shown, fresh, chosen, choose, clear }
  return { ...filter, ...own, isLinked: permalinks, cleared: cleared > 0 }
}

type Changing = Pick<SelectedLines, 'changed' | 'version'>

/** What is new, by the feed or fetched, is looked through, and what is found is painted. */
function useChanges(
  slice: LogSlice,
  api: LogApi | null,
  { changed: paint }: LogViewHandle,
  { changed: filter, version: filtered }: Changing,
  { changed: search }: Changing,
): void {
  const look = useCallback(() => {
    filter()
    search()
    paint()
  }, [filter, search, paint])
  // biome-ignore lint/correctness/useExhaustiveDependencies: more lines mean more to look through
  useEffect(look, [slice, look])
  // biome-ignore lint/correctness/useExhaustiveDependencies: more matches mean more to paint
  useEffect(paint, [filtered, paint])
  useLogChunks(slice, api, look)
}

/** Lines that are chosen, by a click or by the address, come into view once they exist. */
function useChosenInView(chosen: LineRange | null, messages: number, { show }: LogViewHandle): void {
  const first = chosen?.first ?? 0
  const exists = first > 0 && first <= messages
  useEffect(() => {
    if (exists) show(first)
  }, [first, exists, show])
}
