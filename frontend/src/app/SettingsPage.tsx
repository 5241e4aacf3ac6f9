/** What this browser remembers, what the server is, and how to leave. */

import { Button, TextInput, Switch as Toggle, useMantineColorScheme } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { ServerInfo } from '../api/decodeOverview'
import { Switch } from '../components/Switch'
import { formatBytes, formatCount } from '../core/format'
import { formatTime, TIME_FORMATS, type TimeFormat } from '../core/preferences'
import { useLogSettings } from '../hooks/useLogSettings'
import { useNow } from '../hooks/useNow'
import { setPreference, usePreferences } from '../hooks/usePreferences'
import { useRememberedName } from '../hooks/useRememberedName'
import { PageHead } from './PageHead'
import { useApi } from './session'
import { useServer } from './useServer'
import { useTitle } from './useTitle'

const AN_HOUR = 3_600_000

export function SettingsPage() {
  useTitle('Settings')
  return (
    <>
      <PageHead title="Settings" />
      <div className="app-settings">
        <Group title="This browser">
          <Theme />
          <Times />
          <LogLines />
          <Name />
        </Group>
        <Server />
      </div>
    </>
  )
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="app-settings__group" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

function Setting({ label, help, children }: { label: string; help?: string; children: ReactNode }) {
  return (
    <div className="app-setting">
      <div>
        <span className="app-setting__label">{label}</span>
        {help && <p>{help}</p>}
      </div>
      {children}
    </div>
  )
}

function Theme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Setting label="Theme">
      <Switch
        label="Theme"
        value={colorScheme}
        onChange={setColorScheme}
        choices={[
          { value: 'auto', label: 'System' },
          { value: 'light', label: 'Light' },
          { value: 'dark', label: 'Dark' },
        ]}
      />
    </Setting>
  )
}

const FORMAT_WORDS: Record<TimeFormat, string> = { relative: 'Relative', local: 'Local', utc: 'UTC' }

function Times() {
  const { timeFormat } = usePreferences()
  const now = useNow(true)
  return (
    <Setting
      label="Times"
      help={`An hour ago is "${formatTime(now - AN_HOUR, now, timeFormat)}". A click on any time changes this, too.`}
    >
      <Switch
        label="Times"
        value={timeFormat}
        onChange={value => setPreference({ timeFormat: value })}
        choices={TIME_FORMATS.map(value => ({ value, label: FORMAT_WORDS[value] }))}
      />
    </Setting>
  )
}

function LogLines() {
  const [{ wrap }, change] = useLogSettings()
  return (
    <Setting label="Wrap long log lines" help="As the button beside each log does.">
      <Toggle
        aria-label="Wrap long log lines"
        checked={wrap}
        onChange={event => change({ wrap: event.currentTarget.checked })}
      />
    </Setting>
  )
}

function Name() {
  const [name, setName] = useRememberedName()
  return (
    <Setting label="Your name" help="Stands in the log of what you start, cancel and answer.">
      <TextInput
        aria-label="Your name"
        placeholder="nobody"
        maxLength={100}
        value={name}
        onChange={event => setName(event.currentTarget.value)}
      />
    </Setting>
  )
}

function Server() {
  const { data, error } = useServer()
  return (
    <Group title="Server">
      {error && <p role="alert">{error.message}</p>}
      {data && <ServerFacts server={data} />}
      <SignOut />
    </Group>
  )
}

function ServerFacts({ server }: { server: ServerInfo }) {
  const can = Object.entries(server.capabilities)
  return (
    <dl className="app-facts">
      <dt>Version</dt>
      <dd>{server.version}</dd>
      <dt>Workers</dt>
      <dd>{formatCount(server.workers)}</dd>
      <dt>Can</dt>
      <dd>
        {can
          .filter(([, able]) => able)
          .map(([name]) => name)
          .join(', ') || 'only show'}
      </dd>
      {Object.entries(server.limits).map(([name, limit]) => (
        <Limit key={name} name={name} limit={limit} />
      ))}
    </dl>
  )
}

const LIMIT_WORDS: Record<string, string> = {
  input_bytes: 'Input',
  signal_bytes: 'Signal',
  name_chars: 'Name',
  reason_chars: 'Reason',
  page: 'Executions a page',
}

function Limit({ name, limit }: { name: string; limit: number }) {
  const isBytes = name.endsWith('_bytes')
  const words = LIMIT_WORDS[name] ?? name.replace(/_/g, ' ')
  const told = isBytes
    ? formatBytes(limit)
    : `${formatCount(limit)}${name.endsWith('_chars') ? ' characters' : ''}`
  return (
    <>
      <dt>{words}, at most</dt>
      <dd>{told}</dd>
    </>
  )
}

function SignOut() {
  const api = useApi()
  const client = useQueryClient()
  const leave = useMutation({ mutationFn: () => api.signOut(), onSuccess: () => client.resetQueries() })
  return (
    <Setting
      label="Session"
      help="Forgets the token that this browser signed in with, where the server wants one."
    >
      <Button variant="default" loading={leave.isPending} onClick={() => leave.mutate()}>
        Sign out
      </Button>
    </Setting>
  )
}
