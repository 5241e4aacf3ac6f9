import type { KeyboardEvent } from 'react'

export type InputTextProps = {
  id: string
  text: string
  invalid: boolean
  onChange: (text: string) => void
}

/** An input as JSON text. Escape and then Tab leaves it; Tab alone indents, as in an editor. */
export function InputText({ id, text, invalid, onChange }: InputTextProps) {
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const area = event.currentTarget
    if (event.key === 'Escape') area.dataset['leave'] = 'true'
    if (event.key !== 'Tab' || event.shiftKey || area.dataset['leave']) return
    event.preventDefault()
    // Through the browser's own editing, so that it can be undone.
    document.execCommand('insertText', false, '  ')
  }
  return (
    <div className="headway-form__field" data-invalid={invalid || undefined}>
      <label htmlFor={id}>Input as JSON</label>
      <textarea
        id={id}
        className="headway-form__code"
        rows={Math.min(24, Math.max(8, text.split('\n').length + 1))}
        value={text}
        spellCheck={false}
        aria-invalid={invalid || undefined}
        aria-describedby={`${id}-help`}
        onKeyDown={onKeyDown}
        onFocus={event => delete event.currentTarget.dataset['leave']}
        onChange={event => onChange(event.target.value)}
      />
      <p id={`${id}-help`} className="headway-form__help">
        Tab indents; Escape, then Tab leaves.
      </p>
    </div>
  )
}
