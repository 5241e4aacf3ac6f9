/** What can be put into the Monitor's body: views of the steps on one side, tabs beside them on the other. */

import type { ReactNode } from 'react'
import type { HttpApi } from '../api/http'
import type { Track } from '../core/history'
import type { LogFilter } from '../core/logFilter'
import type { ControlsSlice, HistorySlice, LogSlice, Summary } from '../core/store'

/** What a pane is shown. */
export type PaneContext = {
  readonly api: HttpApi
  /** Empty until it is known. */
  readonly executionId: string
  readonly summary: Summary
  readonly history: HistorySlice
  readonly controls: ControlsSlice
  readonly log: LogSlice
  /** The time for clocks: it stands still while nothing is heard, and when the execution has ended. */
  readonly now: number
  /** The step that is selected in every pane. */
  readonly step: string | null
  /** Whether the page pointed at it by itself: then the log is not narrowed to it. */
  readonly isPointed: boolean
  readonly selectStep: (stepId: string | null) => void
  /** The line of the log to bring into view. */
  readonly line: LogPlace | null
  /** Choose a line of the log, by its number, and show it. */
  readonly showLine: (number: number) => void
  /** What of the log is shown; absent while the reader has not chosen. */
  readonly filter: LogFilter | undefined
  readonly setFilter: (filter: LogFilter) => void
  /** Events come as they happen: what there was before has been caught up with, and the end has not come. */
  readonly live: boolean
  /** Whether `now` is the present; else it is when the server was last heard. */
  readonly isPresent: boolean
  /** How much of what was missed has come, from 0 to 1; null where nothing was missed. */
  readonly caughtUp: number | null
  /** Lines chosen in the log stand in the page's address. */
  readonly permalinks: boolean
  /** What stands beside a step, such as a button. */
  readonly renderStepActions: ((step: Track) => ReactNode) | undefined
}

/** A line that the reader asked for is chosen, too. */
export type LogPlace = { readonly number: number; readonly isAsked: boolean }

export type MonitorPane = {
  /** Stands in addresses. */
  readonly id: string
  readonly label: string
  readonly render: (context: PaneContext) => ReactNode
  /** Whether it stays as it is while another is shown, as a log that was searched. */
  readonly staysMounted?: boolean
}

/** What of the Monitor is shown and chosen; absent means that the reader has not chosen. */
export type MonitorChoice = {
  /** Null for none: then the Monitor points at none either. */
  readonly step?: string | null | undefined
  readonly view?: string | undefined
  readonly tab?: string | undefined
  /** What is sought in the log, and what of it is left out. */
  readonly filter?: LogFilter | undefined
}
