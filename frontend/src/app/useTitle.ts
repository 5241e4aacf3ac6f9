import { useEffect } from 'react'

/** The page's title: what a tab shows, status included. */
export function useTitle(...parts: (string | null | undefined)[]): void {
  const title = [...parts.filter(Boolean), 'Headway'].join(' · ')
  useEffect(() => {
    document.title = title
  }, [title])
}
