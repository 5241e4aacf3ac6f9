/** The HTTP API as typed calls; every refusal is a `Problem` with the server's stable code. */

import { isRecord } from '../core/events'
import { httpAddress } from './address'
import {
  decodeEventPage,
  decodeExecutionDetail,
  decodeExecutionPage,
  decodeStarted,
  decodeWorkflow,
  decodeWorkflowList,
  type EventPage,
  type ExecutionDetail,
  type ExecutionPage,
  type Started,
  type Workflow,
  type WorkflowList,
} from './decode'
import {
  decodeApprovals,
  decodeServer,
  decodeStatistics,
  type OpenApprovals,
  type ServerInfo,
  type WorkflowStatistics,
} from './decodeOverview'
import { authorized, type TokenSource } from './token'

export type FieldError = { field: string; message: string }

/** A request the server refused, or that did not reach it (`status` 0, code `unreachable`). */
export class Problem extends Error {
  override readonly name = 'Problem'

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: readonly FieldError[] = [],
    /** Names the request in the server's log; empty where no server answered. */
    readonly requestId = '',
  ) {
    super(message)
  }
}

/** What makes a request: the browser's fetch, or a test's. */
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>

export type ExecutionQuery = {
  workflow_id?: string | undefined
  status?: readonly string[] | undefined
  /** RFC 3339; only those queued then or later. */
  since?: string | undefined
  /** A part of the id or of the error. */
  q?: string | undefined
  /** These and no others; at most 200. */
  id?: readonly string[] | undefined
  cursor?: string | undefined
  limit?: number | undefined
}

/** In what a new execution differs from the one it does over. */
export type RetryChange = {
  /** In place of its input. */
  input?: unknown
  /** Id of a step: what was done before it began is taken over. */
  fromStep?: string
  /** Who asks for it. */
  by?: string
}

/** What a person says to a question; `values` come with a yes, as its form demands. */
export type Answer = { approved: boolean; values?: unknown; reason?: string; by?: string }

export class HttpApi {
  readonly #base: string | undefined
  readonly #fetch: Fetch

  /**
   * @param base address of the server; by default the page's own
   * @param fetcher by default the browser's
   * @param token who asks, where no session cookie says so
   */
  constructor(base?: string, fetcher?: Fetch, token?: TokenSource) {
    this.#base = base
    this.#fetch = authorized(fetcher, token)
  }

  /** Address of a resource, for links. */
  address(path: string): string {
    return httpAddress(path, this.#base)
  }

  /** Read any resource below the server. */
  async get(path: string, options: { signal?: AbortSignal } = {}): Promise<unknown> {
    return this.#call('GET', path, options)
  }

  async workflows(signal?: AbortSignal): Promise<WorkflowList> {
    return decodeWorkflowList(await this.#call('GET', 'api/workflows', { signal }))
  }

  async workflow(id: string, signal?: AbortSignal): Promise<Workflow> {
    return decodeWorkflow(await this.#call('GET', `api/workflows/${encodeURIComponent(id)}`, { signal }))
  }

  async executions(query: ExecutionQuery = {}, signal?: AbortSignal): Promise<ExecutionPage> {
    const parameters = new URLSearchParams()
    if (query.workflow_id) parameters.set('workflow_id', query.workflow_id)
    for (const status of query.status ?? []) parameters.append('status', status)
    if (query.since) parameters.set('since', query.since)
    if (query.q) parameters.set('q', query.q)
    for (const id of query.id ?? []) parameters.append('id', id)
    if (query.limit) parameters.set('limit', String(query.limit))
    if (query.cursor) parameters.set('cursor', query.cursor)
    return decodeExecutionPage(await this.#call('GET', `api/executions?${parameters}`, { signal }))
  }

  async execution(id: string, signal?: AbortSignal): Promise<ExecutionDetail> {
    return decodeExecutionDetail(await this.#call('GET', executionPath(id), { signal }))
  }

  /** Events after a seq, oldest first; fewer than `limit` where they are large. */
  async events(id: string, after: number, limit: number, signal?: AbortSignal): Promise<EventPage> {
    const path = executionPath(id, `/events?after=${after}&limit=${limit}`)
    return decodeEventPage(await this.#call('GET', path, { signal }))
  }

  /** @throws Problem `invalid_input` with an error for each field at fault. */
  async start(workflowId: string, input: unknown, idempotencyKey: string): Promise<Started> {
    const path = `api/workflows/${encodeURIComponent(workflowId)}/executions`
    return decodeStarted(await this.#call('POST', path, { body: { input }, idempotencyKey }))
  }

  /**
   * Start a new execution that does this one over.
   *
   * @throws Problem `invalid_input` with an error for each field at fault.
   */
  async retry(executionId: string, idempotencyKey: string, change: RetryChange = {}): Promise<Started> {
    const { input, fromStep, by } = change
    const body = {
      ...(input === undefined ? {} : { input }),
      ...(fromStep === undefined ? {} : { from_step: fromStep }),
      ...(by ? { by } : {}),
    }
    return decodeStarted(
      await this.#call('POST', executionPath(executionId, '/retry'), { body, idempotencyKey }),
    )
  }

  /**
   * Answer a question of the workflow; the log says when the answer counts.
   *
   * @throws Problem `invalid_input` with an error for each field at fault, `approval_closed`, `execution_closed`.
   */
  async answer(executionId: string, approvalId: string, answer: Answer): Promise<void> {
    const { approved, values, reason, by } = answer
    const body = {
      approved,
      ...(values === undefined ? {} : { values }),
      ...(reason ? { reason } : {}),
      ...(by ? { by } : {}),
    }
    await this.#call('POST', executionPath(executionId, `/approvals/${encodeURIComponent(approvalId)}`), {
      body,
    })
  }

  /** Ask for cancellation; the log says when it takes effect. With `force`, its worker is ended if need be. */
  async cancel(executionId: string, idempotencyKey: string, by = '', force = false): Promise<void> {
    const body = { ...(by && { by }), ...(force && { force }) }
    await this.#call('POST', executionPath(executionId, '/cancel'), { body, idempotencyKey })
  }

  /** How each workflow's executions went lately. */
  async statistics(signal?: AbortSignal): Promise<WorkflowStatistics[]> {
    return decodeStatistics(await this.#call('GET', 'api/statistics', { signal }))
  }

  /** Open questions over all executions, the most urgent first. */
  async approvals(signal?: AbortSignal): Promise<OpenApprovals> {
    return decodeApprovals(await this.#call('GET', 'api/approvals?status=open&limit=200', { signal }))
  }

  /** What the server is and can do; needs no token. */
  async server(signal?: AbortSignal): Promise<ServerInfo> {
    return decodeServer(await this.#call('GET', 'api/server', { signal }))
  }

  /** Exchange a token for the session cookie. */
  async signIn(token: string): Promise<void> {
    await this.#call('POST', 'api/session', { body: { token } })
  }

  /** Forget the session of this browser. */
  async signOut(): Promise<void> {
    await this.#call('DELETE', 'api/session', {})
  }

  async #call(method: string, path: string, options: CallOptions): Promise<unknown> {
    const headers: Record<string, string> = { Accept: 'application/json' }
    if (options.body !== undefined) headers['Content-Type'] = 'application/json'
    if (options.idempotencyKey) headers['Idempotency-Key'] = options.idempotencyKey
    const response = await this.#reach(this.address(path), {
      method,
      headers,
      credentials: 'same-origin',
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    })
    if (!response.ok) throw await problemOf(response)
    if (response.status === 204) return null
    return response.json().catch(() => {
      throw new Problem(
        response.status,
        'not_json',
        'The address answers, but not with JSON: is this a Headway server?',
      )
    })
  }

  async #reach(address: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#fetch(address, init)
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error
      throw new Problem(0, 'unreachable', 'The server cannot be reached.')
    }
  }
}

type CallOptions = {
  body?: unknown
  idempotencyKey?: string
  signal?: AbortSignal | undefined
}

/** Address below the server of an execution; `rest` begins with a slash. */
export function executionPath(id: string, rest = ''): string {
  return `api/executions/${encodeURIComponent(id)}${rest}`
}

/** Read a refusal; what is no problem document still has its status. */
export async function problemOf(response: Response): Promise<Problem> {
  const value: unknown = await response.json().catch(() => null)
  const problem = isRecord(value) ? value : {}
  const text = (field: string) => (typeof problem[field] === 'string' ? problem[field] : '')
  const message =
    text('detail') || text('title') || response.statusText || `The server answered ${response.status}.`
  return new Problem(
    response.status,
    text('code') || `http_${response.status}`,
    message,
    fieldErrors(problem['errors']),
    text('request_id') || (response.headers.get('X-Request-Id') ?? ''),
  )
}

function fieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((item: unknown) =>
    isRecord(item) && typeof item['field'] === 'string'
      ? [{ field: item['field'], message: String(item['message'] ?? 'is not valid') }]
      : [],
  )
}
