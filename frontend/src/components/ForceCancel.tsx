import { useEffect, useState } from 'react'

/** What answers has been cancelled by then. */
const OFFERED_AFTER_MS = 5_000

/** For a cancel that has no effect: offers to end the worker, and says first what that does. */
export function ForceCancel({ onForce }: { onForce: () => void }) {
  const [stage, setStage] = useState<'waits' | 'offers' | 'asks' | 'declined'>('waits')
  useEffect(() => {
    const timer = setTimeout(() => setStage('offers'), OFFERED_AFTER_MS)
    return () => clearTimeout(timer)
  }, [])
  if (stage === 'waits') return null
  if (stage !== 'asks')
    return (
      <button
        type="button"
        className="headway-button"
        data-key="c"
        // biome-ignore lint/a11y/noAutofocus: where the reader was before the question
        autoFocus={stage === 'declined'}
        title="The cancel has no effect so far: end its worker (c)"
        onClick={() => setStage('asks')}
      >
        Force…
      </button>
    )
  return (
    <span
      className="headway-actions"
      role="alertdialog"
      aria-label="Force the cancel"
      aria-describedby="headway-force"
      onKeyDown={event => {
        if (event.key !== 'Escape') return
        event.stopPropagation()
        setStage('declined')
      }}
    >
      <span id="headway-force">
        Ends the worker process at once. Other executions on it go on from their last finished step.
      </span>
      {/* biome-ignore lint/a11y/noAutofocus: who asked for it decides here, by the keys too */}
      <button type="button" className="headway-button" autoFocus onClick={onForce}>
        Force
      </button>
      <button type="button" className="headway-button" onClick={() => setStage('declined')}>
        Keep waiting
      </button>
    </span>
  )
}
