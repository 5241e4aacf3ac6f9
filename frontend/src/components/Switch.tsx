export type SwitchProps<Choice extends string> = {
  label: string
  choices: readonly { value: Choice; label: string; title?: string }[]
  value: Choice
  onChange: (value: Choice) => void
}

/** A few choices beside each other, of which one holds. */
export function Switch<Choice extends string>({ label, choices, value, onChange }: SwitchProps<Choice>) {
  return (
    <fieldset className="headway-switch">
      <legend className="headway-visually-hidden">{label}</legend>
      {choices.map(choice => (
        <button
          key={choice.value}
          type="button"
          aria-pressed={choice.value === value}
          title={choice.title}
          onClick={() => onChange(choice.value)}
        >
          {choice.label}
        </button>
      ))}
    </fieldset>
  )
}
