import { expect, it } from 'vitest'
import * as headway from './index'

it('exports exactly the public names', () => {
  expect(Object.keys(headway).sort()).toEqual([
    'FailurePanel',
    'HttpApi',
    'InvalidFrame',
    'LobbyClient',
    'MissingEvents',
    'Problem',
    'WorkflowExecutionInterface',
    'WorkflowExecutionMonitor',
    'WorkflowWebSocketClient',
    'eventsTab',
    'fold',
    'graphView',
    'initialState',
    'outputTab',
    'stateFromJson',
    'stepsView',
    'timelineView',
    'useConnection',
    'useLobby',
    'useSlice',
    'useWorkflowExecution',
  ])
})
