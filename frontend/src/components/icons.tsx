/** The few icons of the embeddable components, drawn in the text's colour; labels stand beside them. */

import type { ReactNode } from 'react'

const PATHS = {
  running: <path d="M8 2a6 6 0 1 1-5.2 3" />,
  queued: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 4.8V8l2.2 1.6" />
    </>
  ),
  waiting: <path d="M5.5 4v8M10.5 4v8" />,
  completed: <path d="m3 8.4 3.4 3.4L13 4.8" />,
  failed: <path d="m4 4 8 8m0-8-8 8" />,
  cancelled: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="m4 12 8-8" />
    </>
  ),
  retrying: <path d="M13 3v3.5H9.5M13 6.5A5.5 5.5 0 1 0 13.4 9" />,
  skipped: <path d="m3 4 5 4-5 4zM12.5 4v8" />,
  planned: <circle cx="8" cy="8" r="5" strokeDasharray="2.2 2.2" />,
  question: (
    <>
      <circle cx="8" cy="8" r="6.2" />
      <path d="M6.2 6.4a1.8 1.8 0 1 1 2.7 1.6c-.6.4-.9.7-.9 1.3M8 11.4v.1" />
    </>
  ),
  open: <path d="m6 4 4 4-4 4" />,
  download: <path d="M8 2.5v7m0 0 3-3m-3 3-3-3M3 13h10" />,
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.6" />
      <path d="M10.5 3.4A1.4 1.4 0 0 0 9.1 2.5H4A1.5 1.5 0 0 0 2.5 4v5.1c0 .6.4 1.1.9 1.3" />
    </>
  ),
  end: <path d="M8 3v9m0 0 3.5-3.5M8 12 4.5 8.5" />,
  wrap: <path d="M2.5 4h11M2.5 8h8.3a2.3 2.3 0 0 1 0 4.6H8m0 0 1.6-1.6M8 12.6l1.6 1.5" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.2" />
      <path d="m10.2 10.2 3.3 3.3" />
    </>
  ),
  up: <path d="m4 10 4-4 4 4" />,
  down: <path d="m4 6 4 4 4-4" />,
  filter: <path d="M2.5 4h11M4.5 8h7M6.5 12h3" />,
  more: <path d="M3 8h.01M8 8h.01M13 8h.01" />,
  sealed: <path d="M8 1.8 3 3.6v4c0 3 2.1 5.3 5 6.6 2.9-1.3 5-3.6 5-6.6v-4zM5.8 8l1.6 1.6 2.9-3" />,
} satisfies Record<string, ReactNode>

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      className={`headway-icon headway-icon--${name}`}
      viewBox="0 0 16 16"
      aria-hidden="true"
      focusable="false"
    >
      {PATHS[name]}
    </svg>
  )
}

export function isIconName(name: string): name is IconName {
  return Object.hasOwn(PATHS, name)
}
