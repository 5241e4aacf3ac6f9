/** The list of steps as a tree: groups above their items, planned steps that have not begun after those that have. */

import type { PlannedStep } from './events'
import type { Counts, StepState } from './fold'

/** A group with more items than this is folded until the reader opens it. */
export const FOLD_ABOVE = 12

export type StepNode = {
  readonly step: StepState
  readonly items: readonly StepNode[]
  readonly tally: Tally
}
/** How many items of a group are where; all 0 for a plain step. */
export type Tally = {
  readonly items: number
  readonly ended: number
  readonly failed: number
  readonly running: number
}
export type StepTree = { readonly nodes: readonly StepNode[]; readonly waiting: readonly string[] }

export function stepTree(steps: readonly StepState[], plan: readonly PlannedStep[]): StepTree {
  const known = new Set(steps.map(step => step.step_id))
  const children = new Map<string | null, StepState[]>()
  for (const step of steps) {
    // A parent that has left the state leaves its items at the top.
    const parent =
      step.parent !== null && known.has(step.parent) && step.parent !== step.step_id ? step.parent : null
    const siblings = children.get(parent)
    if (siblings) siblings.push(step)
    else children.set(parent, [step])
  }
  const begun = new Set(steps.map(step => step.name))
  return {
    nodes: (children.get(null) ?? []).map(step => nodeOf(step, children)),
    waiting: plan.map(step => step.name).filter(name => !begun.has(name)),
  }
}

/** How many steps of the whole are done: planned ones by their name, else those found so far. */
export function stepsDone(
  steps: readonly StepState[],
  plan: readonly PlannedStep[],
  counts: Pick<Counts, 'steps' | 'steps_completed'>,
): { done: number; total: number } {
  if (plan.length === 0) return { done: counts.steps_completed, total: counts.steps }
  const top = steps.filter(step => step.parent === null)
  const isDone = (name: string) => {
    const named = top.filter(step => step.name === name)
    return named.length > 0 && named.every(step => step.status === 'completed' || step.status === 'skipped')
  }
  return { done: plan.filter(step => isDone(step.name)).length, total: plan.length }
}

function nodeOf(step: StepState, children: ReadonlyMap<string | null, StepState[]>): StepNode {
  const items = (children.get(step.step_id) ?? []).map(child => nodeOf(child, children))
  const count = (test: (step: StepState) => boolean) => items.filter(item => test(item.step)).length
  const tally = {
    items: items.length,
    ended: count(item => item.ended_at !== null),
    failed: count(item => item.status === 'failed'),
    running: count(item => item.ended_at === null),
  }
  return { step, items, tally }
}
