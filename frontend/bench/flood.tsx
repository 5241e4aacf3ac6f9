/** The whole Monitor while events come by the thousand, and how far what it shows is behind. */

import { createRoot } from 'react-dom/client'
import { WorkflowExecutionMonitor } from '../src/components/WorkflowExecutionMonitor'

export type Flood = {
  fps: number
  /** Milliseconds from an event to its line on the screen: 95 of 100 took no longer. */
  lagP95: number
  /** Milliseconds of long tasks in all; null where the browser does not tell. */
  longTasks: number | null
}

/** Follow the feed below `base` for so long; what draws is the product's own Monitor. */
export async function followMonitor(root: HTMLElement, base: string, seconds: number): Promise<Flood> {
  const app = createRoot(root)
  app.render(
    <WorkflowExecutionMonitor workflowId="flood" executionId="01JX4Q8ZK3M5N7P9R1T3V5W7Y9" apiBase={base} />,
  )
  while (lastRow(root) === null) await frame()
  const long = longTasks()
  const lags: number[] = []
  const began = performance.now()
  let frames = 0
  let last = 0
  while (performance.now() - began < seconds * 1_000) {
    await frame()
    frames += 1
    const row = lastRow(root)
    if (!row || row.number === last) continue
    last = row.number
    lags.push(Date.now() - row.sent)
  }
  const fps = frames / ((performance.now() - began) / 1_000)
  return { fps, lagP95: p95(lags), longTasks: long() }
}

/** Number of the last line shown once that has stood still for a second. */
export async function lastShown(root: HTMLElement): Promise<number> {
  let shown = -1
  for (let still = 0; still < 60; still++) {
    await frame()
    const now = lastRow(root)?.number ?? 0
    if (now !== shown) still = 0
    shown = now
  }
  return shown
}

const frame = () => new Promise<number>(resolve => requestAnimationFrame(resolve))

/** The last row drawn, from its own text; nothing is laid out for it. */
function lastRow(root: HTMLElement): { number: number; sent: number } | null {
  const rows = root.querySelectorAll('.headway-log__row:not([hidden])')
  const row = rows.item(rows.length - 1)
  if (!row) return null
  return {
    number: Number(row.querySelector('.headway-log__number')?.textContent),
    sent: Number(row.querySelector('.headway-log__text')?.textContent?.split(' sent ')[1]),
  }
}

function p95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? Number.NaN
}

function longTasks(): () => number | null {
  if (!PerformanceObserver.supportedEntryTypes.includes('longtask')) return () => null
  let sum = 0
  const add = (entries: readonly PerformanceEntry[]) => {
    for (const { duration } of entries) sum += duration
  }
  const observer = new PerformanceObserver(list => add(list.getEntries()))
  observer.observe({ type: 'longtask' })
  return () => {
    add(observer.takeRecords())
    observer.disconnect()
    return sum
  }
}
