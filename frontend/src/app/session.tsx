/** The server's API for the pages, and what it takes to use it. */

import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext } from 'react'
import { HttpApi, Problem } from '../api/http'
import { SignIn } from './SignIn'

const ApiContext = createContext(new HttpApi())

export function useApi(): HttpApi {
  return useContext(ApiContext)
}

/** Shows the pages, or the sign-in form where the server wants a token. */
export function SessionGate({ children }: { children: ReactNode }) {
  const api = useApi()
  const { error } = useQuery({
    queryKey: ['access'],
    queryFn: ({ signal }) => api.executions({ limit: 1 }, signal),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  })
  return isUnauthorized(error) ? <SignIn /> : children
}

export function isUnauthorized(error: unknown): boolean {
  return error instanceof Problem && error.status === 401
}
