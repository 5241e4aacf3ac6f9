import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTitle } from './useTitle'

export function NotFoundPage({ what = 'Nothing has this address.' }: { what?: string }) {
  useTitle('Not found')
  return (
    <div className="app-empty">
      <h1>Not here</h1>
      <p>{what}</p>
      <Button component={Link} to="/" variant="light">
        All workflows
      </Button>
    </div>
  )
}
