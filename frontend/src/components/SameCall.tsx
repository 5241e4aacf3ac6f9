import { useState } from 'react'
import { type Call, type CallKind, callAs } from '../core/sameCall'
import { CopyButton } from './CopyButton'
import { Switch } from './Switch'

const KINDS: readonly { value: CallKind; label: string }[] = [
  { value: 'cli', label: 'CLI' },
  { value: 'python', label: 'Python' },
  { value: 'curl', label: 'curl' },
]

/** How the same execution is started from elsewhere, with what stands in the form. */
export function SameCall({ call }: { call: Call }) {
  const [kind, setKind] = useState<CallKind>('cli')
  const text = callAs(kind, call)
  return (
    <section className="headway-call" aria-label="Same call">
      <div className="headway-call__head">
        <h2 className="headway-heading">Same call</h2>
        <Switch label="Written for" choices={KINDS} value={kind} onChange={setKind} />
        <CopyButton text={text} label="Copy" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
      <pre className="headway-code" tabIndex={0}>
        {text}
      </pre>
    </section>
  )
}
