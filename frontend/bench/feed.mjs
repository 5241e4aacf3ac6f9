/** A server of one busy execution, over the page's own WebSocket, in both modes of the protocol. */

import { crc32 } from 'node:zlib'
import { WebSocketServer } from 'ws'

const EXECUTION = '01JX4Q8ZK3M5N7P9R1T3V5W7Y9'
const EPOCH = 'be'
const STEPS = 60
/** In rich mode a busy server sends so often what has come since. */
const FRAME_MS = 50
/** In simple mode each event is a frame, and leaves soon after it was written. */
const EVENT_MS = 5

/**
 * Send `rate` events a second for `seconds` to whoever subscribes: rich mode under `/rich/`, else simple mode.
 *
 * @returns what was sent so far; `close` ends it.
 */
export function openFeed(server, rate, seconds) {
  const sockets = new WebSocketServer({ server })
  const sent = { events: 0, logs: 0 }
  sockets.on('connection', (socket, { url }) => {
    const isRich = url.startsWith('/rich/')
    Object.assign(sent, { events: 0, logs: 0 })
    const flow = () =>
      isRich ? flowRich(socket, sent, rate, seconds) : flowSimple(socket, sent, rate, seconds)
    if (isRich) socket.on('message', text => answer(socket, JSON.parse(text), flow))
    else flow()
  })
  return { sent, close: () => sockets.close() }
}

function answer(socket, { t }, flow) {
  if (t === 'hello') socket.send(JSON.stringify({ t: 'welcome', v: 1 }))
  if (t !== 'sub') return
  const x = EXECUTION
  const state = { execution_id: x, workflow_id: 'flood', seq: 0 }
  socket.send(JSON.stringify({ t: 'sub_ok', x, result: 'snapshot', execution_id: x, head: 0 }))
  socket.send(JSON.stringify({ t: 'snap', x, cur: cursor(0, tagOf()), part: 1, parts: 1, state, logs: [] }))
  flow()
}

function flowRich(socket, sent, rate, seconds) {
  let tag = tagOf()
  pace(socket, sent, rate, seconds, FRAME_MS, count => {
    const after = sent.events
    const body = Array.from({ length: count }, () => `{${nextEvent(sent)}\n`).join('')
    tag = crc32(body, tag)
    const upto = sent.events
    socket.send(
      `${JSON.stringify({ t: 'ev', x: EXECUTION, after, upto, cur: cursor(upto, tag), n: count })}\n${body}`,
    )
  })
}

function flowSimple(socket, sent, rate, seconds) {
  const head = `{"execution_id":"${EXECUTION}","workflow_id":"flood",`
  pace(socket, sent, rate, seconds, EVENT_MS, count => {
    for (let n = 0; n < count; n++) socket.send(head + nextEvent(sent))
  })
}

/** Every `ms`, as many events as have come due. */
function pace(socket, sent, rate, seconds, ms, send) {
  const began = performance.now()
  const timer = setInterval(() => {
    const elapsed = Math.min(seconds, (performance.now() - began) / 1_000)
    const due = Math.floor(elapsed * rate) - sent.events
    if (due > 0) send(due)
    if (elapsed >= seconds || socket.readyState > 1) clearInterval(timer)
  }, ms)
}

/** 90 % log lines, 8 % progress, 2 % starts of a step; without its first brace, as simple mode puts more before it. */
function nextEvent(sent) {
  sent.events += 1
  const seq = sent.events
  const [kind, type, data] = seq === 1 ? STARTED : about(seq)
  if (kind === 'log') sent.logs += 1
  return JSON.stringify({ seq, kind, type, timestamp: new Date().toISOString(), data }).slice(1)
}

const STARTED = [
  'execution.started',
  'status',
  { status: 'running', phase: 'running', attempt: 1, worker: 'w' },
]

function about(seq) {
  const step = `step${seq % STEPS}`
  const ids = { step, step_id: `${step}#1` }
  const share = (seq * 7) % 50
  if (share === 0) return ['step.started', 'status', { ...ids, total: 100_000 }]
  if (share < 5) return ['step.progressed', 'progress', { ...ids, done: seq, total: 100_000, progress: 10 }]
  const message = `${step}: item ${seq} done in ${seq % 97} ms, sent ${Date.now()}`
  return ['log', 'log', { level: 'INFO', message, step_id: ids.step_id }]
}

function tagOf() {
  return crc32(EPOCH)
}

function cursor(seq, tag) {
  return `${EPOCH}.${seq}.${tag.toString(16).padStart(8, '0')}`
}
