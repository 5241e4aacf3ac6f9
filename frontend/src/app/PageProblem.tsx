/** What stands in place of a page that cannot be shown: which, why, and what to do. Never nothing. */

import { Button } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { Problem } from '../api/http'
import { CopyButton } from '../components/CopyButton'
import { isUnauthorized } from './session'
import { useTitle } from './useTitle'

export type PageProblemProps = {
  error: Error
  /** What was to be shown: "Workflow audit". */
  what?: string
  onRetry: () => unknown
}

export function PageProblem({ error, what, onRetry }: PageProblemProps) {
  const { title, why } = tell(error)
  useTitle(title)
  return (
    <div className="app-empty" role="alert">
      <h1>{title}</h1>
      <p>{what ? `${what}: ${why}` : why}</p>
      {error instanceof Problem && <Faults problem={error} />}
      <Facts error={error} />
      <div className="app-actions">
        {isUnauthorized(error) ? <SignInButton /> : <RetryButton onRetry={onRetry} />}
        <Button component={Link} to="/" variant="default">
          All workflows
        </Button>
      </div>
    </div>
  )
}

/** Above what is shown all the same, but may no longer be so. */
export function StaleNotice({ error }: { error: Error }) {
  return (
    <div className="headway-notice app-stale" role="alert">
      <p>{error.message} What is shown may be out of date; trying again.</p>
      <Facts error={error} />
    </div>
  )
}

/** For an error of the page itself, which is our fault. */
export function BrokenPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const again = () => {
    reset()
    return router.invalidate()
  }
  const known = error instanceof Error ? error : new Error(String(error))
  return <PageProblem error={known} onRetry={again} />
}

function Faults({ problem: { errors } }: { problem: Problem }) {
  if (errors.length === 0) return null
  return (
    <ul>
      {errors.map(({ field, message }) => (
        <li key={`${field} ${message}`}>
          <code>{field}</code> {message}
        </li>
      ))}
    </ul>
  )
}

/** What whoever looks into it wants to know: the code, the status, and which request of the server's log it was. */
function Facts({ error }: { error: Error }) {
  if (!(error instanceof Problem)) return null
  const { code, status, requestId } = error
  return (
    <p className="app-code">
      <code>{code}</code>
      {status > 0 && <span>HTTP {status}</span>}
      {requestId && (
        <span>
          request <code>{requestId}</code> <CopyButton text={requestId} label="Copy request id" />
        </span>
      )}
    </p>
  )
}

function RetryButton({ onRetry }: { onRetry: () => unknown }) {
  const [isTrying, setTrying] = useState(false)
  const again = async () => {
    setTrying(true)
    try {
      await onRetry()
    } finally {
      setTrying(false)
    }
  }
  return (
    <Button onClick={again} loading={isTrying}>
      Try again
    </Button>
  )
}

function SignInButton() {
  const client = useQueryClient()
  return <Button onClick={() => client.resetQueries({ queryKey: ['access'] })}>Sign in</Button>
}

function tell(error: Error): { title: string; why: string } {
  if (error.name === 'InvalidAnswer') {
    return { title: 'The server answered otherwise than it should', why: `${error.message}.` }
  }
  if (!(error instanceof Problem)) {
    const why = `${error.message || 'It ended with an error.'} Loading it again may help.`
    return { title: 'This page broke', why }
  }
  const why = error.message
  switch (error.status) {
    case 0:
      return {
        title: 'Server unreachable',
        why: 'Nobody answers at this address. Is the server running?',
      }
    case 401:
      return { title: 'Not signed in', why: 'The server wants its token again.' }
    case 403:
      return { title: 'No access', why }
    case 404:
      return { title: 'Not here', why }
    case 400:
    case 422:
      return { title: 'The address does not fit', why }
    default:
      return { title: 'The server could not answer', why }
  }
}
