/** The pages of the rail, in its order. */

import type { ShellIconName } from './shellIcons'

export type Page = {
  readonly to: '/' | '/executions' | '/approvals' | '/settings'
  readonly label: string
  readonly icon: ShellIconName
  readonly isAt: (path: string) => boolean
}

export const PAGES: readonly Page[] = [
  {
    to: '/',
    label: 'Workflows',
    icon: 'workflows',
    isAt: path => path === '/' || path.startsWith('/workflows'),
  },
  {
    to: '/executions',
    label: 'Executions',
    icon: 'executions',
    isAt: path => path.startsWith('/executions'),
  },
  { to: '/approvals', label: 'Approvals', icon: 'approvals', isAt: path => path.startsWith('/approvals') },
  { to: '/settings', label: 'Settings', icon: 'settings', isAt: path => path.startsWith('/settings') },
]
