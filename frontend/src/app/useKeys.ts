import { useEffect, useRef } from 'react'
import { type KeyTarget, keyCommand } from '../core/keys'

/** Carry out a page's keys while it is shown; what is typed into a field stays there. */
export function useKeys<Key extends string>(commands: Readonly<Record<Key, () => void>>): void {
  const latest = useRef<Partial<Record<string, () => void>>>(commands)
  useEffect(() => {
    latest.current = commands
  })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const key = keyCommand(event, targetOf(event.target))
      const command = key === null ? undefined : latest.current[key]
      if (!command) return
      event.preventDefault()
      command()
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [])
}

function targetOf(target: EventTarget | null): KeyTarget {
  if (!(target instanceof HTMLElement)) return { tag: '', editable: false, inDialog: false }
  const isBox = target instanceof HTMLInputElement && target.type === 'checkbox'
  return {
    tag: isBox ? 'BUTTON' : target.tagName,
    editable: target.isContentEditable || target.getAttribute('role') === 'log',
    inDialog: target.closest('[role="dialog"]') !== null,
  }
}
