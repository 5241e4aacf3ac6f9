import { formatDuration } from '../core/format'
import type { GraphNode } from '../core/graph'
import type { Plane } from '../hooks/usePanZoom'
import { branchIcon, durationOf, shortTally, spokenBranch } from './branch'
import { Icon } from './icons'

export type GraphBoxProps = {
  node: GraphNode
  box: Plane
  now: number
  selected: boolean
  isTabStop: boolean
  onSelect: () => void
  onToggle: () => void
}

/** A step in the graph: what it is called, how it stands, how far it is. */
export function GraphBox({ node, box, now, selected, isTabStop, onSelect, onToggle }: GraphBoxProps) {
  const { branch, label, open } = node
  const { track, status, tally } = branch
  const took = durationOf(branch, now)
  const note = tally.items > 0 ? shortTally(branch) : (track?.error ?? null)
  return (
    <div
      className="headway-graph__box"
      data-status={status}
      data-kind={branch.kind}
      data-selected={selected}
      data-opens={open !== null}
      style={{ transform: `translate(${box.left}px, ${box.top}px)`, width: box.width, height: box.height }}
    >
      <button
        type="button"
        className="headway-graph__step"
        tabIndex={isTabStop ? 0 : -1}
        aria-pressed={selected}
        aria-label={spokenBranch(branch, label, took)}
        onClick={onSelect}
      >
        <Icon name={branchIcon(branch)} />
        <span className="headway-graph__name">{label}</span>
        {track && track.attempt > 1 && <span className="headway-step__attempt">try {track.attempt}</span>}
        <span className="headway-graph__facts">
          {note && <span className="headway-graph__note">{note}</span>}
          {took !== null && <span className="headway-graph__took">{formatDuration(took)}</span>}
          {branch.kind === 'planned' && <span className="headway-graph__note">not begun</span>}
        </span>
      </button>
      {open !== null && (
        <button
          type="button"
          className="headway-graph__fold"
          tabIndex={isTabStop ? 0 : -1}
          aria-expanded={open}
          aria-label={`${open ? 'Hide' : 'Show'} the items of ${branch.name}`}
          onClick={onToggle}
        >
          {open ? '−' : '+'}
        </button>
      )}
      <Done branch={branch} />
    </div>
  )
}

/** How far a step is that counts. */
function Done({ branch: { track, tally, status } }: { branch: GraphNode['branch'] }) {
  const total = track?.total ?? tally.items
  if (status !== 'running' || total === 0) return null
  const done = track?.done ?? tally.done
  return <i className="headway-graph__done" style={{ transform: `scaleX(${Math.min(1, done / total)})` }} />
}
