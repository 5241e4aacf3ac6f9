/** A log by keyboard alone: from the search to a match, to the line it is in, to its link. */

import { type KeyboardEvent, type RefObject, useRef } from 'react'
import type { LogSource } from '../core/chunks'
import { between, headOf, neighbour } from '../core/lineCursor'
import { nextTimeStyle } from '../core/logTime'
import type { Log } from './useLog'
import { changeLogSettings, logSettings } from './useLogSettings'

type LogKeys = {
  log: Log
  /** What is shown. */
  source: LogSource
  input: RefObject<HTMLInputElement | null>
  onStep: ((stepId: string) => void) | undefined
}

/** @returns the listener for keys of the whole panel; those of the lines count only within them */
export function useLogKeys({ log, source, input, onStep }: LogKeys): (event: KeyboardEvent) => void {
  const anchor = useRef<number | null>(null)
  const choose = (from: number, head: number) => {
    anchor.current = from
    log.choose(between(from, head))
    log.view.show(head)
  }
  /** Where a key begins: the chosen line, the match, else the newest line or the first in view. */
  const head = () =>
    log.chosen ? headOf(log.chosen, anchor.current) : (log.hits.current ?? log.view.start())
  const stretch = (by: 1 | -1) => {
    if (!log.chosen) return choose(head(), head())
    const to = head()
    choose(to === log.chosen.first ? log.chosen.last : log.chosen.first, neighbour(source, to, by))
  }
  const move = (by: 1 | -1) => {
    const to = log.chosen ? neighbour(source, head(), by) : head()
    choose(to, to)
  }
  const openStep = () => {
    const { step } = source.line(source.indexOf(head(), 0))
    if (step) onStep?.(step)
  }
  const find = () => {
    input.current?.focus()
    input.current?.select()
  }
  const anywhere: Record<string, () => void> = { '/': find }
  if (log.chosen) anywhere['Escape'] = () => log.choose(null)
  const lines: Record<string, () => void> = {
    Enter: () => choose(log.hits.current ?? head(), log.hits.current ?? head()),
    j: () => move(1),
    k: () => move(-1),
    'Shift+ArrowDown': () => stretch(1),
    'Shift+ArrowUp': () => stretch(-1),
    n: () => log.hits.go(1),
    N: () => log.hits.go(-1),
    s: openStep,
    t: () => changeLogSettings({ time: nextTimeStyle(logSettings().time) }),
    w: () => changeLogSettings({ wrap: !logSettings().wrap }),
  }
  return event => {
    const command = commandOf(event, anywhere, source.count > 0 ? lines : {}, find)
    if (!command) return
    command()
    event.preventDefault()
    event.stopPropagation()
  }
}

type Commands = Record<string, () => void>

function commandOf(event: KeyboardEvent, anywhere: Commands, lines: Commands, find: () => void) {
  const target = event.target as HTMLElement
  const isMod = event.ctrlKey || event.metaKey
  if (isMod && event.key === 'f') return find
  if (isMod || event.altKey || target.matches('input, select, textarea')) return null
  if (anywhere[event.key]) return anywhere[event.key]
  const isArrow = event.shiftKey && event.key.startsWith('Arrow')
  const isPressed = event.key === 'Enter' && target.closest('a, button') !== null
  if (isPressed || !target.closest('.headway-log__view')) return null
  return lines[isArrow ? `Shift+${event.key}` : event.key]
}
