/** What needs layout: the labels of the axis, on a real one. */

import './WorkflowExecutionMonitor.css'
import { createElement } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, expect, it } from 'vitest'
import { Execution } from '../../test/builders'
import { decodeUpdate } from '../core/events'
import { ExecutionHistory } from '../core/history'
import { Timeline } from './Timeline'

let root: Root | null = null

afterEach(() => root?.unmount())

const SECOND = 1_000
const HOUR = 3_600 * SECOND
const DURATIONS = [900, 4 * SECOND, 47 * SECOND, 130 * SECOND, 2 * HOUR + 5 * SECOND, 75 * HOUR]

/** The axis of an execution that has run so long, in a pane of a width. */
async function axisOf(
  durationMs: number,
  widthPx: number,
  { live = true, ended = false } = {},
): Promise<HTMLElement> {
  const run = new Execution()
  const history = new ExecutionHistory()
  const frames = [run.queued(), run.started(), run.step('load')]
  for (const frame of frames) history.apply(decodeUpdate(frame))
  const now = history.startedAt + durationMs
  if (ended) history.apply(decodeUpdate({ ...run.completed(), timestamp: new Date(now).toISOString() }))
  document.body.innerHTML = `<div class="headway headway-monitor"><div style="width:${widthPx}px;height:300px"></div></div>`
  const frame = document.querySelector('.headway > div') as HTMLElement
  root = createRoot(frame)
  const props = { plan: [], now, live, selected: null, onSelect: () => {} }
  root.render(createElement(Timeline, { slice: { history, version: 1 }, ...props }))
  for (let frames = 0; frames < 6; frames++) await new Promise(requestAnimationFrame)
  return frame.querySelector('.headway-timeline__axis') as HTMLElement
}

/** Where the text of each label begins and ends, from the left. */
function labelsIn(axis: HTMLElement): { text: string; left: number; right: number }[] {
  return [...axis.querySelectorAll('span, b')]
    .filter(label => label.textContent !== '')
    .map(label => {
      const text = document.createRange()
      text.selectNodeContents(label)
      const { left, right } = text.getBoundingClientRect()
      return { text: label.textContent ?? '', left, right }
    })
    .sort((a, b) => a.left - b.left)
}

const CASES = DURATIONS.flatMap(ms => [300, 390, 620, 1_100].map(px => [ms, px] as const))

it.each(CASES)('of %i ms in %i px: no label is cut, none touches another', async (ms, px) => {
  for (const how of [{ live: true }, { live: false }, { ended: true }]) {
    const axis = await axisOf(ms, px, how)
    const { left, right } = axis.getBoundingClientRect()
    const labels = labelsIn(axis)
    expect(labels.length).toBeGreaterThanOrEqual(px > 390 ? 2 : 1)
    let before = left
    for (const label of labels) {
      expect(label.left, label.text).toBeGreaterThanOrEqual(before + 1)
      expect(label.right, label.text).toBeLessThanOrEqual(right)
      before = label.right
    }
  }
})

it('ends at the present, or at when the server was last heard, while the execution runs', async () => {
  const lastOf = (axis: HTMLElement) => labelsIn(axis).at(-1)?.text
  expect(lastOf(await axisOf(47_000, 620))).toBe('now')
  expect(lastOf(await axisOf(47_000, 620, { live: false }))).toMatch(/^\d\d:\d\d:\d\d$/)
  expect(lastOf(await axisOf(47_000, 620, { ended: true }))).toMatch(/^\d+ s$/)
})
