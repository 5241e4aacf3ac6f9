import { useEffect, useState } from 'react'
import { Icon } from './icons'

export type CopyButtonProps = { text: string | (() => Promise<string>); label: string }

/** Copies a text and says so for a moment; a function fetches it when it is wanted. */
export function CopyButton({ text, label }: CopyButtonProps) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1_500)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : await text())
      setCopied(true)
    } catch {
      setCopied(false) // a page may be refused the clipboard, and a server may not answer
    }
  }
  return (
    <button type="button" className="headway-button headway-button--quiet" onClick={copy}>
      <Icon name={copied ? 'completed' : 'copy'} />
      <span aria-live="polite">{copied ? 'Copied' : label}</span>
    </button>
  )
}
