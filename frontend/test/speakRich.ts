/** Has a real server speak rich mode about a model's log. */

import type { FeedServer } from './feedServer'
import { ModelConnection, type ModelLog, type ModelOptions } from './modelServer'

export type RichFeed = {
  /** Send what has been appended. */
  publish(): void
  readonly connections: readonly ModelConnection[]
  /** Bytes of all frames sent so far. */
  readonly sentBytes: number
}

/** Every socket that `server` gets from now on is answered by the model. */
export function speakRich(
  server: FeedServer,
  log: () => ModelLog | null,
  options: Partial<ModelOptions> = {},
): RichFeed {
  const connections: ModelConnection[] = []
  let sentBytes = 0
  server.onSocket = socket => {
    const connection = new ModelConnection(
      log,
      frame => {
        sentBytes += Buffer.byteLength(frame)
        socket.send(frame)
      },
      options,
    )
    connections.push(connection)
    socket.on('message', data => {
      connection.receive(String(data))
      connection.pump()
    })
  }
  return {
    connections,
    publish: () => {
      for (const connection of connections) connection.pump()
    },
    get sentBytes() {
      return sentBytes
    },
  }
}
