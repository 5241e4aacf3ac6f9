/** A log view, which paints by itself, bound to a component: what it shows, how, and what the reader does in it. */

import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import { ChunkedLog, type LogSource } from '../core/chunks'
import type { RowLook } from '../core/logRow'
import { LogView, type LogViewOptions } from '../core/logView'

export type LogViewHandle = {
  readonly ref: RefObject<HTMLDivElement | null>
  readonly following: boolean
  setFollow(following: boolean): void
  /** Bring a message to the middle, by its number; following ends. */
  show(number: number): void
  /** The source has changed. */
  changed(): void
  /** Number of the first message in view. */
  top(): number
  /** Number of the message the eye is at: the newest while following, else the first that is wholly in view. */
  start(): number
  focus(): void
}

export type LogViewBinding = {
  source: LogSource
  look: RowLook
  wrap: boolean
  /** The whole log, whose messages to come are new; `null` while they are not written just now. */
  live: ChunkedLog | null
  /** The reader came for certain lines: the view does not run away from them. */
  startsStill: boolean
  onAct: NonNullable<LogViewOptions['onAct']>
}

export function useLogView({ source, look, wrap, live, startsStill, onAct }: LogViewBinding): LogViewHandle {
  const ref = useRef<HTMLDivElement>(null)
  const view = useRef<LogView | null>(null)
  const shown = useRef(source)
  const act = useRef(onAct)
  act.current = onAct
  shown.current = source
  const still = useRef(startsStill)
  const [following, setFollowing] = useState(!startsStill)

  useEffect(() => {
    if (!ref.current) return
    const made = new LogView(ref.current, new ChunkedLog(), {
      onFollow: setFollowing,
      onAct: (name, line, event) => act.current(name, line, event),
    })
    if (still.current) made.setFollow(false)
    view.current = made
    return () => made.destroy()
  }, [])
  useEffect(() => view.current?.setSource(source), [source])
  useEffect(() => view.current?.setLook(look), [look])
  useEffect(() => view.current?.setWrap(wrap), [wrap])
  useEffect(() => view.current?.setLive(live ? live.messages : null), [live])

  const setFollow = useCallback((on: boolean) => view.current?.setFollow(on), [])
  const show = useCallback((number: number) => view.current?.showMessage(number), [])
  const changed = useCallback(() => view.current?.changed(), [])
  const focus = useCallback(() => view.current?.focus(), [])
  const top = useCallback(() => {
    const { count } = shown.current
    return count === 0 ? 0 : shown.current.line(Math.min(view.current?.firstLine ?? 0, count - 1)).number
  }, [])
  const start = useCallback(() => {
    const { count } = shown.current
    if (count === 0) return 0
    const at = view.current?.following ? count - 1 : (view.current?.firstWholeLine ?? 0)
    return shown.current.line(Math.min(at, count - 1)).number
  }, [])
  return { ref, following, setFollow, show, changed, top, start, focus }
}
