/** The feed without a framework: what follows executions, what folds their events, and the HTTP API. */

export { HttpApi, Problem } from '../../../src/api/http'
export type { TokenSource } from '../../../src/api/token'
export {
  MissingEvents,
  type WebSocketOptions,
  type WorkflowExecutionUpdate,
  WorkflowWebSocketClient,
} from '../../../src/api/websocket'
export type { ConnectionState } from '../../../src/core/connection'
export { type ExecutionResult, InvalidFrame } from '../../../src/core/events'
export { fold, initialState, type State, stateFromJson } from '../../../src/core/fold'
