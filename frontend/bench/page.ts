/** Runs in the browser: makes logs, drives what is measured, and takes times. */

import '../src/components/LogPanel.css'
import '../src/components/WorkflowExecutionMonitor.css'
import { ChunkedLog } from '../src/core/chunks'
import { EVERYTHING, logMatch } from '../src/core/logMatch'
import { LogScan } from '../src/core/logScan'
import { LogSelection } from '../src/core/logSelection'
import { followMonitor, lastShown } from './flood'
import { headway, reactVirtual, type Subject } from './subjects'

const GIVE_UP_MS = 4_000
const SUBJECTS = { headway, 'react-virtual': reactVirtual }
let log = new ChunkedLog()
let subject: Subject | null = null

const frame = () => new Promise<number>(resolve => requestAnimationFrame(resolve))

function aMessage(number: number) {
  const text = `item #${number} loaded from shard ${number % 64}: ${(number * 7_919) % 100_003} bytes in ${number % 97} ms`
  return {
    text,
    level: number % 100 === 0 ? 2 : 1,
    time: 1_790_000_000_000 + number,
    step: `load#${number % 8}`,
  }
}

/** Milliseconds until a line is on the screen; `null` where it never was. */
async function until(number: number, began: number): Promise<number | null> {
  while (performance.now() - began < GIVE_UP_MS) {
    if (subject?.shown().includes(number)) return performance.now() - began
    await frame()
  }
  return null
}

function freshRoot(): HTMLElement {
  document.body.innerHTML = '<div class="headway"><div style="height:780px;width:1180px"></div></div>'
  return document.querySelector('.headway > div') as HTMLElement
}

/** Make a log of so many lines, before anything shows it. */
function prepare(count: number): void {
  log = new ChunkedLog()
  for (let number = 1; number <= count; number++) log.push(aMessage(number))
}

function mount(name: keyof typeof SUBJECTS): Promise<number | null> {
  const began = performance.now()
  subject = SUBJECTS[name](freshRoot(), log)
  return until(log.messages, began)
}

async function jump(times: number): Promise<(number | null)[]> {
  const took: (number | null)[] = []
  for (let n = 0; n < times; n++) {
    const number = 1 + ((n * 7_654_321 + 123_457) % (log.messages - 100))
    const began = performance.now()
    subject?.toLine(number)
    took.push(await until(number, began))
  }
  return took
}

function toEnd(): Promise<number | null> {
  const began = performance.now()
  subject?.toEnd()
  return until(log.messages, began)
}

/** Frames, of so many with a turn of the wheel each, in which nothing was to be seen. */
async function wheel(frames: number): Promise<{ blank: number; moved: number }> {
  subject?.toLine(Math.floor(log.messages / 2))
  for (let n = 0; n < 10; n++) await frame()
  const first = subject?.shown()[0] ?? 0
  let blank = 0
  for (let n = 0; n < frames; n++) {
    const scroller = subject?.scroller()
    const event = new WheelEvent('wheel', { deltaY: 300, bubbles: true, cancelable: true })
    if (scroller?.dispatchEvent(event)) scroller.scrollTop += 300
    await frame()
    if ((subject?.shown().length ?? 0) < 10) blank += 1
  }
  for (let n = 0; n < 10; n++) await frame()
  return { blank, moved: (subject?.shown()[0] ?? 0) - first }
}

type Followed = { fps: number; atEnd: number | null }

/** So many lines a second, in 20 batches a second. */
async function flood(seconds: number, send: (count: number) => void, rate: number): Promise<number> {
  const began = performance.now()
  let frames = 0
  let sent = 0
  let running = true
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) / 1_000) * rate)
    send(due - sent)
    sent = due
  }, 50)
  setTimeout(() => {
    running = false
    clearInterval(timer)
  }, seconds * 1_000)
  while (running) {
    await frame()
    frames += 1
  }
  return frames / ((performance.now() - began) / 1_000)
}

async function follow(seconds: number, rate: number): Promise<Followed> {
  subject?.toEnd()
  const fps = await flood(
    seconds,
    count => {
      for (let n = 0; n < count; n++) log.push(aMessage(log.messages + 1))
      subject?.changed()
    },
    rate,
  )
  return { fps, atEnd: await until(log.messages, performance.now()) }
}

/** Milliseconds until every match of a text is known. */
function search(text: string): Promise<{ ms: number; total: number }> {
  const began = performance.now()
  const selection = new LogSelection(log, logMatch({ ...EVERYTHING, text }))
  return new Promise(resolve => {
    const scan = new LogScan(selection, null, () => {
      if (!scan.state.searching) resolve({ ms: performance.now() - began, total: selection.total })
    })
    scan.changed()
  })
}

const monitor = (path: string, seconds: number) =>
  followMonitor(freshRoot(), new URL(path, location.href).href, seconds)
const monitorEnd = () => lastShown(document.body)

Object.assign(window, { bench: { prepare, mount, jump, toEnd, wheel, follow, monitor, monitorEnd, search } })
