import { Button, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { PageHead } from './PageHead'
import { useTitle } from './useTitle'

export function NotFoundPage({ what = 'Nothing has this address.' }: { what?: string }) {
  useTitle('Not found')
  return (
    <div className="app-empty">
      <PageHead title="Not here" />
      <Text c="dimmed">{what}</Text>
      <Button component={Link} to="/" variant="light">
        All workflows
      </Button>
    </div>
  )
}
