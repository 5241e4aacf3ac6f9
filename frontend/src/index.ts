/** The public names: what an application that embeds Headway imports. */

export { HttpApi, Problem } from './api/http'
export { LobbyClient, type LobbyOptions, type Row } from './api/lobby'
export type { TokenSource } from './api/token'
export {
  MissingEvents,
  type WebSocketOptions,
  type WorkflowExecutionUpdate,
  WorkflowWebSocketClient,
} from './api/websocket'
export { eventsTab } from './components/EventList'
export { FailurePanel, type FailurePanelProps } from './components/FailurePanel'
export { graphView } from './components/Graph'
export type { MonitorChoice, MonitorPane, PaneContext } from './components/monitorPane'
export { outputTab } from './components/OutputPanel'
export { stepsView } from './components/StepList'
export { timelineView } from './components/Timeline'
export {
  WorkflowExecutionInterface,
  type WorkflowExecutionInterfaceProps,
} from './components/WorkflowExecutionInterface'
export {
  WorkflowExecutionMonitor,
  type WorkflowExecutionMonitorProps,
} from './components/WorkflowExecutionMonitor'
export type { ConnectionState } from './core/connection'
export { type ExecutionResult, InvalidFrame } from './core/events'
export { fold, initialState, type State, stateFromJson } from './core/fold'
export type { LogFilter } from './core/logFilter'
export { type Lobby, useLobby } from './hooks/useLobby'
export { useConnection, useSlice } from './hooks/useSlice'
export { useWorkflowExecution, type WorkflowExecutionOptions } from './hooks/useWorkflowExecution'
