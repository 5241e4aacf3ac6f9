import { Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** Heading of a page, with where it belongs above and what can be done beside. */
export function PageHead({
  title,
  above,
  children,
}: {
  title: ReactNode
  above?: ReactNode
  children?: ReactNode
}) {
  return (
    <header className="app-head">
      <div>
        {above && <nav aria-label="Breadcrumb">{above}</nav>}
        <Title order={1} size="h2">
          {title}
        </Title>
      </div>
      {children}
    </header>
  )
}
