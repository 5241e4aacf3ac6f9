import { Button, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Logo } from './Logo'
import { useApi } from './session'

/** Takes the server's token in exchange for a session cookie. */
export function SignIn() {
  const api = useApi()
  const client = useQueryClient()
  const [token, setToken] = useState('')
  const signIn = useMutation({
    mutationFn: () => api.signIn(token.trim()),
    onSuccess: () => client.resetQueries(),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    signIn.mutate()
  }
  return (
    <main className="app-sign-in">
      <Paper component="form" withBorder p="xl" radius="md" onSubmit={submit}>
        <Stack gap="md">
          <Logo />
          <div>
            <Title order={1} size="h3">
              Sign in
            </Title>
            <Text c="dimmed" size="sm">
              This server was started with a token. Whoever started it can give it to you.
            </Text>
          </div>
          <PasswordInput
            label="Token"
            autoComplete="current-password"
            required
            value={token}
            onChange={event => setToken(event.currentTarget.value)}
            error={signIn.error?.message}
            data-autofocus
          />
          <Button type="submit" loading={signIn.isPending}>
            Sign in
          </Button>
        </Stack>
      </Paper>
    </main>
  )
}
