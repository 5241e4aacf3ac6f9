import { useState } from 'react'

/** The error of a query that has nothing to show, kept while it is asked again: what tells of it does not flicker. */
export function useLastingError(query: { error: Error | null; isPending: boolean }): Error | null {
  const [kept, setKept] = useState<Error | null>(null)
  const now = query.error ?? (query.isPending ? kept : null)
  if (now !== kept) setKept(now)
  return now
}
