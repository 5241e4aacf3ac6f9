import { useQuery } from '@tanstack/react-query'
import { useApi } from './session'

const REFRESH_MS = 15_000

/** What the server is; asked for now and then, so that a new version is seen. */
export function useServer() {
  const api = useApi()
  return useQuery({
    queryKey: ['server'],
    queryFn: ({ signal }) => api.server(signal),
    refetchInterval: REFRESH_MS,
    retry: false,
  })
}
