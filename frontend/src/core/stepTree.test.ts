import { describe, expect, it } from 'vitest'
import { type State, type StepState, stateFromJson } from './fold'
import { stepsDone, stepTree } from './stepTree'

function aStep(id: string, fields: Partial<StepState> = {}): StepState {
  const json = {
    execution_id: 'E',
    workflow_id: 'w',
    steps: { [id]: { step_id: id, name: id, status: 'running' } },
  }
  return { ...((stateFromJson(json) as State).steps.get(id) as StepState), ...fields }
}

const ended = { status: 'completed', ended_at: '2026-11-22T21:30:00Z' }

describe('stepTree', () => {
  it('puts items under their group and tallies them', () => {
    const { nodes } = stepTree(
      [
        aStep('load'),
        aStep('load#1', { parent: 'load', ...ended }),
        aStep('load#2', { parent: 'load', ...ended, status: 'failed' }),
        aStep('load#3', { parent: 'load' }),
        aStep('report'),
      ],
      [],
    )
    expect(nodes.map(node => node.step.step_id)).toEqual(['load', 'report'])
    expect(nodes[0]?.tally).toEqual({ items: 3, ended: 2, failed: 1, running: 1 })
    expect(nodes[0]?.items.map(node => node.step.step_id)).toEqual(['load#1', 'load#2', 'load#3'])
  })

  it('lists planned steps that have not begun, after the others', () => {
    const plan = ['fetch', 'load', 'report'].map(name => ({ name, after: [], weight: 1 }))
    expect(stepTree([aStep('fetch')], plan).waiting).toEqual(['load', 'report'])
  })

  it('keeps items whose group has left the state, and a step that calls itself its parent', () => {
    const { nodes } = stepTree([aStep('a', { parent: 'gone' }), aStep('b', { parent: 'b' })], [])
    expect(nodes.map(node => node.step.step_id)).toEqual(['a', 'b'])
  })
})

describe('stepsDone', () => {
  const plan = ['fetch', 'load', 'report'].map(name => ({ name, after: [], weight: 1 }))
  const counts = { steps: 40, steps_completed: 31 }

  it('counts planned steps, not the items of their groups', () => {
    const steps = [
      aStep('fetch', ended),
      aStep('load'),
      aStep('load#1', { name: 'load', parent: 'load', ...ended }),
    ]
    expect(stepsDone(steps, plan, counts)).toEqual({ done: 1, total: 3 })
  })

  it('counts what was found where nothing is planned', () => {
    expect(stepsDone([aStep('fetch')], [], counts)).toEqual({ done: 31, total: 40 })
  })
})
