import { useEffect } from 'react'

/** The page's title: what a tab shows, status included. */
export function useTitle(...parts: (string | null | undefined)[]): void {
  const title = [...parts.filter(Boolean), 'Headway'].join(' · ')
  useEffect(() => {
    document.title = title
  }, [title])
}

const MARKED = new Set(['running', 'waiting', 'completed', 'failed', 'cancelled'])
const SAME: Record<string, string> = { queued: 'running', cancelling: 'running' }

/** The tab's icon with a mark of the execution's status; the plain one again when the page is left. */
export function useFavicon(phase: string): void {
  const mark = SAME[phase] ?? phase
  useEffect(() => {
    setFavicon(MARKED.has(mark) ? `favicon-${mark}.svg` : 'favicon.svg')
    return () => setFavicon('favicon.svg')
  }, [mark])
}

function setFavicon(file: string): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
  if (link && link.getAttribute('href') !== file) link.setAttribute('href', file)
}
