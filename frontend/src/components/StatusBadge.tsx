import { Icon, type IconName, isIconName } from './icons'

const WORDS: Record<string, string> = { cancelling: 'cancelling…', waiting: 'waiting' }
const ICONS: Record<string, IconName> = { cancelling: 'running' }

/** Status or phase of an execution or step: icon and word, so that colour is never alone. */
export function StatusBadge({ phase }: { phase: string }) {
  const icon = ICONS[phase] ?? (isIconName(phase) ? phase : 'planned')
  return (
    <span className="headway-badge" data-phase={phase}>
      <Icon name={icon} />
      {WORDS[phase] ?? phase}
    </span>
  )
}
