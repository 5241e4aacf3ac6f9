/** What stands in place of a page that cannot be shown: which, why, and what to do. Never nothing. */

import { Button } from '@mantine/core'
import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router'
import { Problem } from '../api/http'
import { useTitle } from './useTitle'

type Told = { title: string; why: string; canRetry: boolean }

export function PageProblem({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const { title, why, canRetry } = tell(error)
  useTitle(title)
  return (
    <div className="app-empty" role="alert">
      <h1>{title}</h1>
      <p>{why}</p>
      {error instanceof Problem && error.code && (
        <p className="app-code">
          <code>{error.code}</code>
          {error.status > 0 && ` · HTTP ${error.status}`}
        </p>
      )}
      <div className="app-actions">
        {canRetry && <Button onClick={onRetry}>Try again</Button>}
        <Button component={Link} to="/" variant="default">
          All workflows
        </Button>
      </div>
    </div>
  )
}

/** For an error of the page itself, which is our fault. */
export function BrokenPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const again = () => {
    reset()
    void router.invalidate()
  }
  const known = error instanceof Error ? error : new Error(String(error))
  return <PageProblem error={known} onRetry={again} />
}

function tell(error: Error): Told {
  if (!(error instanceof Problem)) {
    const why = `${error.message || 'It ended with an error.'} Loading it again may help.`
    return { title: 'This page broke', why, canRetry: true }
  }
  switch (error.status) {
    case 0:
      return {
        title: 'Server unreachable',
        why: 'Nobody answers at this address. Is the server running?',
        canRetry: true,
      }
    case 403:
      return { title: 'No access', why: error.message, canRetry: false }
    case 404:
      return { title: 'Not here', why: error.message, canRetry: false }
    default:
      return { title: 'The server could not answer', why: error.message, canRetry: true }
  }
}
