/** Who a page of another origin is: it has no session cookie, so it brings a token with everything it asks. */

import type { Fetch } from './http'

/** Gives the token to use now; called before each try, so that it may be a short-lived one. */
export type TokenSource = () => string | Promise<string>

/** The same, with the token in each request. */
export function authorized(fetcher: Fetch | undefined, token: TokenSource | undefined): Fetch {
  const send: Fetch = fetcher ?? ((input, init) => fetch(input, init))
  if (!token) return send
  return async (input, init = {}) => {
    const headers = new Headers(init.headers)
    headers.set('Authorization', `Bearer ${await token()}`)
    return send(input, { ...init, headers })
  }
}
