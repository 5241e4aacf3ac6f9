/** What surrounds every page: name, navigation, search, theme, and how the connection is. */

import { ActionIcon, AppShell, Burger, NavLink, useMantineColorScheme } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { Link, Outlet, useLocation, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import type { KeysOf, SHELL_KEYS } from './keySheets'
import { Liveness } from './Liveness'
import { Logo } from './Logo'
import { LobbyProvider } from './lobby'
import { NewVersion } from './NewVersion'
import { PAGES } from './pages'
import { SessionGate } from './session'
import { ShellIcon } from './shellIcons'
import { useKeys } from './useKeys'
import { useOpenApprovals } from './useOpenApprovals'

const Palette = lazy(() => import('./Palette').then(module => ({ default: module.Palette })))
const KeysSheet = lazy(() => import('./KeysSheet').then(module => ({ default: module.KeysSheet })))

export function Shell() {
  return (
    <SessionGate>
      <LobbyProvider>
        <Frame />
      </LobbyProvider>
    </SessionGate>
  )
}

function Frame() {
  const [isMenuOpen, { toggle, close }] = useDisclosure(false)
  const { pathname } = useLocation()
  const [searches, setSearches] = useState(0)
  const [areKeysShown, keys] = useDisclosure(false)
  const search = () => setSearches(count => count + 1)
  // biome-ignore lint/correctness/useExhaustiveDependencies: going to another page closes the menu of a phone
  useEffect(close, [pathname, close])
  useHotkeys([['mod+K', search]], [])
  useKeys({ '?': keys.open })
  useGoKeys()
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !isMenuOpen } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <AppShell.Header className="app-header">
        <Burger opened={isMenuOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
        <Link to="/" className="app-home">
          <Logo />
        </Link>
        <SearchButton onClick={search} />
        <Liveness />
        <ThemeToggle />
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Pages">
        <Rail pathname={pathname} onKeys={keys.open} />
      </AppShell.Navbar>
      <AppShell.Main>
        <NewVersion />
        <div className="app-page">
          <Outlet />
        </div>
      </AppShell.Main>
      <Suspense>
        {searches > 0 && <Palette key={searches} onKeys={keys.open} />}
        {areKeysShown && <KeysSheet onClose={keys.close} />}
      </Suspense>
    </AppShell>
  )
}

function Rail({ pathname, onKeys }: { pathname: string; onKeys: () => void }) {
  const { data } = useOpenApprovals()
  const asked = data?.total ?? 0
  return (
    <>
      {PAGES.map(({ to, label, icon, isAt }) => (
        <NavLink
          key={to}
          component={Link}
          to={to}
          label={label}
          leftSection={<ShellIcon name={icon} />}
          rightSection={
            to === '/approvals' && asked > 0 ? (
              <span className="app-count" title={`${asked} open`}>
                {asked}
                <span className="headway-visually-hidden"> open</span>
              </span>
            ) : null
          }
          active={isAt(pathname)}
          aria-current={isAt(pathname) ? 'page' : undefined}
        />
      ))}
      <button type="button" className="app-rail-keys" onClick={onKeys}>
        <kbd>?</kbd> Keys
      </button>
    </>
  )
}

const MOD = /mac/i.test(navigator.userAgent) ? '⌘' : 'Ctrl'

function SearchButton({ onClick }: { onClick: () => void }) {
  return (
    <button
      type="button"
      className="app-search"
      aria-label="Search"
      onClick={onClick}
      aria-keyshortcuts="Control+K Meta+K"
    >
      <ShellIcon name="search" />
      <span>Search</span>
      <kbd>{MOD} K</kbd>
    </button>
  )
}

const GO_WITHIN_MS = 1_500
const GO = { w: '/', e: '/executions', a: '/approvals', s: '/settings' } as const satisfies Record<
  Exclude<KeysOf<typeof SHELL_KEYS>, '?'>,
  string
>

/** "g", then the page's letter. */
function useGoKeys(): void {
  const navigate = useNavigate()
  const armed = useRef(0)
  const go = (to: (typeof GO)[keyof typeof GO]) => {
    if (Date.now() - armed.current > GO_WITHIN_MS) return
    armed.current = 0
    void navigate({ to })
  }
  useKeys({
    g: () => {
      armed.current = Date.now()
    },
    w: () => go(GO.w),
    e: () => go(GO.e),
    a: () => go(GO.a),
    s: () => go(GO.s),
  })
}

const SCHEMES = { auto: 'light', light: 'dark', dark: 'auto' } as const

function ThemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const label = `Theme: ${colorScheme === 'auto' ? 'as the system' : colorScheme}`
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(SCHEMES[colorScheme])}
    >
      <ShellIcon name={colorScheme} />
    </ActionIcon>
  )
}
