/** Where the server is: the page's own origin and path prefix, unless the embedding page says otherwise. */

/**
 * The address all others are relative to, ending in a slash.
 *
 * @param base absolute, or relative to the page; without it the page's `<base href>`, else the root of its origin
 */
export function baseAddress(base?: string): URL {
  const withSlash = (address: string) => (address.endsWith('/') ? address : `${address}/`)
  if (base !== undefined) return new URL(withSlash(base), location.href)
  return document.querySelector('base[href]') ? new URL('.', document.baseURI) : new URL('/', location.href)
}

/** Address of an HTTP resource; `path` without a leading slash. */
export function httpAddress(path: string, base?: string): string {
  return new URL(path, baseAddress(base)).href
}

/** Address of a socket with the scheme that fits the page: `wss` where it came by `https`. */
export function socketAddress(path: string, query: URLSearchParams, base?: string): string {
  const address = new URL(path, baseAddress(base))
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  address.search = query.toString()
  return address.href
}
