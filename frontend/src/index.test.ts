import { expect, it } from 'vitest'
import * as headway from './index'

it('exports exactly the public names', () => {
  expect(Object.keys(headway).sort()).toEqual([
    'HttpApi',
    'InvalidFrame',
    'LobbyClient',
    'MissingEvents',
    'Problem',
    'WorkflowExecutionInterface',
    'WorkflowExecutionMonitor',
    'WorkflowWebSocketClient',
    'fold',
    'initialState',
    'stateFromJson',
    'useConnection',
    'useLobby',
    'useSlice',
    'useWorkflowExecution',
  ])
})
