/** The icons of the shell, drawn in the text's colour. */

const PATHS = {
  workflows: 'M3 3.5h4v3H3zM9 9.5h4v3H9zM5 6.5v4.5h4',
  executions: 'M3 4h10M3 8h7M3 12h9',
  approvals: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM5.4 8.2l1.8 1.8 3.4-3.8',
  settings: 'M3 5h4M10 5h3M3 11h2M8 11h5M7 3.5v3M10 3.5v3M5 9.5v3M8 9.5v3',
  search: 'M7 2.8a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4zM10.2 10.2l3.3 3.3',
  dark: 'M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z',
  light:
    'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7',
  auto: 'M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11M8 2.5v11',
} as const

export type ShellIconName = keyof typeof PATHS

export function ShellIcon({ name }: { name: ShellIconName }) {
  return (
    <svg className="app-icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
