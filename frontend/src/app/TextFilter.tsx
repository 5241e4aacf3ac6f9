import { TextInput, type TextInputProps } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { type RefObject, useEffect, useRef, useState } from 'react'

export type TextFilterProps = Pick<TextInputProps, 'label' | 'aria-label' | 'placeholder' | 'className'> & {
  value: string
  onChange: (value: string) => void
  /** So that a key can lead there. */
  field: RefObject<HTMLInputElement | null>
}

/** A text that a list is narrowed to; asked for when the typing pauses. */
export function TextFilter({ value, onChange, field, ...look }: TextFilterProps) {
  const [draft, setDraft] = useState(value)
  const asked = useRef(value)
  const ask = useDebouncedCallback((text: string) => {
    asked.current = text
    onChange(text)
  }, 300)
  useEffect(() => {
    // What was asked from here comes back when more has been typed already.
    if (value === asked.current) return
    asked.current = value
    setDraft(value)
  }, [value])
  return (
    <TextInput
      ref={field}
      {...look}
      type="search"
      value={draft}
      onChange={event => {
        setDraft(event.currentTarget.value)
        ask(event.currentTarget.value.trim())
      }}
      onKeyDown={event => event.key === 'Escape' && event.currentTarget.blur()}
    />
  )
}
