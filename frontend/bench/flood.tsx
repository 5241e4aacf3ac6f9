/** The whole Monitor under a flood of events, from a socket that is none. */

import { createRoot } from 'react-dom/client'
import { WorkflowExecutionMonitor } from '../src/components/WorkflowExecutionMonitor'

const EXECUTION = '01JX4Q8ZK3M5N7P9R1T3V5W7Y9'
const STEPS = 60
let socket: FloodSocket | null = null

/** Opens at once, in simple mode, and carries what is given to it. */
class FloodSocket extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSING = 2
  static readonly CLOSED = 3
  readonly protocol = ''
  readyState = 0
  bufferedAmount = 0
  binaryType = 'blob'
  onopen: ((event: Event) => void) | null = null
  onmessage: ((event: MessageEvent) => void) | null = null
  onclose: ((event: Event) => void) | null = null
  onerror: ((event: Event) => void) | null = null

  constructor() {
    super()
    socket = this
    setTimeout(() => {
      this.readyState = 1
      this.#tell(new Event('open'))
    })
  }

  send(): void {}

  close(): void {
    this.readyState = 3
  }

  receive(event: object): void {
    this.#tell(new MessageEvent('message', { data: JSON.stringify(event) }))
  }

  #tell(event: Event): void {
    this.dispatchEvent(event)
    if (event.type === 'open') this.onopen?.(event)
    else this.onmessage?.(event as MessageEvent)
  }
}

export function monitor(root: HTMLElement): { send(count: number): void; sent(): number } {
  Object.assign(globalThis, {
    WebSocket: FloodSocket,
    fetch: () => Promise.reject(new TypeError('no server')),
  })
  createRoot(root).render(<WorkflowExecutionMonitor workflowId="flood" executionId={EXECUTION} />)
  let seq = 0
  const send = (kind: string, type: string, data: object) => {
    seq += 1
    const timestamp = new Date().toISOString()
    socket?.receive({ execution_id: EXECUTION, workflow_id: 'flood', seq, kind, type, timestamp, data })
  }
  return {
    send: count => {
      if (seq === 0)
        send('execution.started', 'status', { status: 'running', phase: 'running', attempt: 1, worker: 'w' })
      for (let n = 0; n < count; n++) sendOne(send, seq)
    },
    sent: () => seq,
  }
}

/** 90 % log lines, 8 % progress, 2 % changes of a step's status. */
function sendOne(send: (kind: string, type: string, data: object) => void, seq: number): void {
  const step = `step${seq % STEPS}`
  const ids = { step, step_id: `${step}#1` }
  const share = seq % 50
  if (share === 0) send('step.started', 'status', { ...ids, total: 100_000 })
  else if (share < 5) send('step.progressed', 'progress', { ...ids, done: seq, total: 100_000, progress: 10 })
  else
    send('log', 'log', {
      level: 'INFO',
      message: `${step}: item ${seq} done in ${seq % 97} ms`,
      step_id: ids.step_id,
    })
}
