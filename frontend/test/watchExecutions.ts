/**
 * The page's own feeds under Node, for tests on real processes: a line of JSON in names an execution to follow, and
 * lines of JSON out tell what its store was given.
 */

import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import { ExecutionFeed } from '../src/api/executionFeed'
import type { WebSocketConstructor } from '../src/api/websocket'
import { formatCursor } from '../src/core/position'

type Order = { id: number; base: string; execution: string }

function tell(id: number, news: object): void {
  process.stdout.write(`${JSON.stringify({ id, ...news })}\n`)
}

function follow({ id, base, execution }: Order): void {
  const feed = new ExecutionFeed(execution, {
    apiBase: base,
    WebSocket: WebSocket as unknown as WebSocketConstructor,
    onError: error => tell(id, { t: 'fault', message: String(error) }),
    onComplete: () => {
      tell(id, { t: 'complete' })
      feed.stop()
    },
  })
  const { store } = feed
  const { adopt, follow, apply, setConnection } = store
  store.adopt = snapshot => {
    const { state, cursor, why = null } = snapshot
    tell(id, { t: 'snapshot', seq: state.seq, cursor: cursor ? formatCursor(cursor) : null, why })
    adopt.call(store, snapshot)
  }
  store.apply = update => {
    tell(id, { t: 'event', event: update })
    apply.call(store, update)
  }
  store.follow = frame => {
    follow.call(store, frame) // applies each of its events
    tell(id, { t: 'cursor', cursor: formatCursor(frame.cursor) })
  }
  store.setConnection = (state, heardAt) => {
    tell(id, { t: 'connection', name: state.name })
    setConnection.call(store, state, heardAt)
  }
  feed.start()
}

// Addresses are relative to a page, which there is none of here.
Object.assign(globalThis, { location: { href: 'http://127.0.0.1/' } })
createInterface({ input: process.stdin }).on('line', line => follow(JSON.parse(line) as Order))
