import { ActionIcon, AppShell, Burger, Group, NavLink, Text, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Logo } from './Logo'
import { SessionGate, useApi } from './session'

const PAGES = [
  { to: '/', label: 'Workflows', isActive: (path: string) => path === '/' || path.startsWith('/workflows') },
  { to: '/executions', label: 'Executions', isActive: (path: string) => path.startsWith('/executions') },
] as const

/** What surrounds every page: name, navigation, theme. */
export function Shell() {
  const [open, { toggle, close }] = useDisclosure(false)
  const { pathname } = useLocation()
  // biome-ignore lint/correctness/useExhaustiveDependencies: going to another page closes the menu of a phone
  useEffect(close, [pathname, close])
  return (
    <SessionGate>
      <AppShell
        header={{ height: 56 }}
        navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !open } }}
        padding={{ base: 'sm', sm: 'lg' }}
      >
        <AppShell.Header className="app-header">
          <Group gap="xs">
            <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
            <Link to="/" className="app-home">
              <Logo />
            </Link>
          </Group>
          <Group gap="md">
            <ServerState />
            <ThemeToggle />
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="sm" aria-label="Pages">
          {PAGES.map(({ to, label, isActive }) => (
            <NavLink
              key={to}
              component={Link}
              to={to}
              label={label}
              active={isActive(pathname)}
              aria-current={isActive(pathname) ? 'page' : undefined}
            />
          ))}
        </AppShell.Navbar>
        <AppShell.Main>
          <div className="app-page">
            <Outlet />
          </div>
        </AppShell.Main>
      </AppShell>
    </SessionGate>
  )
}

/** Whether the server answers, by the lightest of its resources. */
function ServerState() {
  const api = useApi()
  const { isError, isPending } = useQuery({
    queryKey: ['server'],
    queryFn: async ({ signal }) => {
      const response = await fetch(api.address('api/server'), { signal })
      if (!response.ok) throw new Error(`the server answered ${response.status}`)
      return true
    },
    refetchInterval: 5_000,
    retry: false,
  })
  if (isPending) return null
  return (
    <span className="app-server" data-up={!isError}>
      <span className="app-server__dot" aria-hidden="true" />
      <Text size="sm" span>
        {isError ? 'server unreachable' : 'connected'}
      </Text>
    </span>
  )
}

const SCHEMES = { auto: 'light', light: 'dark', dark: 'auto' } as const

function ThemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  useEffect(() => {
    if (colorScheme === 'auto') delete document.documentElement.dataset['headwayTheme']
    else document.documentElement.dataset['headwayTheme'] = colorScheme
  }, [colorScheme])
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={`Theme: ${colorScheme === 'auto' ? 'as the system' : colorScheme}`}
      title={`Theme: ${colorScheme === 'auto' ? 'as the system' : colorScheme}`}
      onClick={() => setColorScheme(SCHEMES[colorScheme])}
    >
      <svg className="app-icon" viewBox="0 0 16 16" aria-hidden="true">
        {colorScheme === 'dark' && <path d="M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z" />}
        {colorScheme === 'light' && (
          <path d="M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7" />
        )}
        {colorScheme === 'auto' && <path d="M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11M8 2.5v11" />}
      </svg>
    </ActionIcon>
  )
}
