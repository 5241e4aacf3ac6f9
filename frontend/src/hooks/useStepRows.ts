/** The tree of steps as rows, with what the reader opened; a selected step is always among them. */

import { useCallback, useEffect, useMemo, useState } from 'react'
import type { PlannedStep } from '../core/events'
import { type Branch, stepForest } from '../core/stepForest'
import type { HistorySlice } from '../core/store'
import { type Opened, openedTo, pathTo, type Row, rowsOf } from '../core/timeline'

/** With more steps than this the tree is made anew at each tick of the clock, not at each event. */
const MANY_STEPS = 500

/** What the reader opened, and how to open more. */
export type OpenBranches = {
  readonly opened: Opened
  open(id: string, open: boolean): void
  /** Open so many levels, and no more. */
  openTo(level: number): void
}

export type StepRows = {
  readonly forest: readonly Branch[]
  readonly rows: readonly Row[]
  toggle(row: Row): void
  openTo(level: number): void
}

/** @param now ticks while the execution is live, and stands still when it has ended */
export function useStepRows(
  slice: HistorySlice,
  plan: readonly PlannedStep[],
  now: number,
  selected: string | null,
): StepRows {
  const forest = useForest(slice, plan, now)
  const { opened, open: setOpen, openTo } = useOpened(forest, selected)
  const rows = useMemo(() => rowsOf(forest, opened), [forest, opened])
  const toggle = useCallback(({ branch, open }: Row) => setOpen(branch.id, !open), [setOpen])
  return { forest, rows, toggle, openTo }
}

/** Which branches are open: those that the reader opened, and those above a step that is selected. */
export function useOpened(forest: readonly Branch[], selected: string | null): OpenBranches {
  const [opened, setOpened] = useState<Opened>(new Map())
  const open = useCallback(
    (id: string, open: boolean) => setOpened(before => new Map(before).set(id, open)),
    [],
  )
  const openTo = useCallback((level: number) => setOpened(openedTo(forest, level)), [forest])
  // Only a new selection opens what is above it: the reader may close that again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a step that is selected before it is known is not lost
  useEffect(() => {
    const above = selected === null ? null : pathTo(forest, selected)
    if (!above?.length) return
    setOpened(before => new Map([...before, ...above.map((id): [string, boolean] => [id, true])]))
  }, [selected, forest.length > 0])
  return { opened, open, openTo }
}

export function useForest(slice: HistorySlice, plan: readonly PlannedStep[], now: number): readonly Branch[] {
  const { history, version } = slice
  const isLive = Number.isNaN(history.endedAt)
  const stamp = isLive && history.tracks.size > MANY_STEPS ? now : version
  // biome-ignore lint/correctness/useExhaustiveDependencies: the history is one object that changes; the stamp says when
  return useMemo(() => stepForest(history.tracks, plan), [history, plan, stamp])
}
