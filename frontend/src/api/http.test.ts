import { describe, expect, it } from 'vitest'
import { baseAddress, socketAddress } from './address'
import { type Fetch, HttpApi, Problem } from './http'

type Call = { address: string; init: RequestInit }

function anApi(status: number, body: unknown, type = 'application/json') {
  const calls: Call[] = []
  const fetcher: Fetch = (address, init = {}) => {
    calls.push({ address, init })
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return Promise.resolve(
      new Response(status === 204 ? null : text, { status, headers: { 'Content-Type': type } }),
    )
  }
  return { api: new HttpApi('https://example.org/prefix', fetcher), calls }
}

async function refusal(call: Promise<unknown>): Promise<Problem> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Problem)
  return error as Problem
}

describe('HttpApi', () => {
  it('starts a workflow with its input and an idempotency key', async () => {
    const { api, calls } = anApi(201, { execution_id: 'E', workflow_id: 'a b', created: true })
    const started = await api.start('a b', { rows: 3 }, 'key-1')

    expect(started).toEqual({ execution_id: 'E', workflow_id: 'a b', created: true })
    expect(calls[0]?.address).toBe('https://example.org/prefix/api/workflows/a%20b/executions')
    expect(calls[0]?.init).toMatchObject({ method: 'POST', body: '{"input":{"rows":3}}' })
    expect(calls[0]?.init.headers).toMatchObject({ 'Idempotency-Key': 'key-1' })
  })

  it('does an execution over with what is to change, and nothing else', async () => {
    const { api, calls } = anApi(201, { execution_id: 'F', workflow_id: 'w' })
    await api.retry('E', 'key-1')
    await api.retry('E', 'key-2', { input: { rows: 3 }, fromStep: 'load#2' })

    expect(calls.map(({ init }) => init.body)).toEqual(['{}', '{"input":{"rows":3},"from_step":"load#2"}'])
  })

  it('answers a question under its own address', async () => {
    const { api, calls } = anApi(202, { control_id: 'c' })
    await api.answer('E', 'load#1/approval', { approved: false, by: '' })

    expect(calls[0]?.address).toMatch(/\/api\/executions\/E\/approvals\/load%231%2Fapproval$/)
    expect(calls[0]?.init).toMatchObject({ method: 'POST', body: '{"approved":false}' })
  })

  it('says why with an answer', async () => {
    const { api, calls } = anApi(202, { control_id: 'c' })
    await api.answer('E', 'a', { approved: false, reason: 'too dear' })

    expect(calls[0]?.init.body).toBe('{"approved":false,"reason":"too dear"}')
  })

  it('reads how workflows went, and what people are asked', async () => {
    const run = { execution_id: 'E', workflow_id: 'w', phase: 'failed', error: 'KeyError' }
    const { api: statistics } = anApi(200, {
      workflows: [{ workflow_id: 'w', runs: [run], ended: 1, completed: 0, p50_s: null, p95_s: 2.5 }],
    })
    expect(await statistics.statistics()).toMatchObject([
      { runs: [{ execution_id: 'E', started_at: null, error: 'KeyError' }], p50_s: null, p95_s: 2.5 },
    ])
    const { api, calls } = anApi(200, {
      approvals: [{ execution_id: 'E', workflow_id: 'w', approval_id: 'a', message: 'Go?' }],
      total: 3,
    })
    expect(await api.approvals()).toMatchObject({ approvals: [{ message: 'Go?', deadline: null }], total: 3 })
    expect(calls[0]?.address).toContain('/prefix/api/approvals?status=open')
  })

  it('ends the session of the browser', async () => {
    const { api, calls } = anApi(204, '')
    await api.signOut()
    expect(calls[0]).toMatchObject({ init: { method: 'DELETE' } })
    expect(calls[0]?.address).toBe('https://example.org/prefix/api/session')
  })

  it('reads what the server can do, and leaves out what it does not know', async () => {
    const { api } = anApi(200, {
      version: '1.2',
      capabilities: { cancel: true, odd: 'x' },
      limits: { page: 500 },
    })
    expect(await api.server()).toEqual({
      version: '1.2',
      authenticated: true,
      workers: 0,
      capabilities: { cancel: true },
      limits: { page: 500 },
    })
  })

  it('asks for a page of executions by its filters', async () => {
    const { api, calls } = anApi(200, { executions: [], next_cursor: 'next' })
    const page = await api.executions({
      workflow_id: 'w',
      status: ['failed', 'running'],
      id: ['A', 'B'],
      cursor: 'c',
      limit: 5,
    })

    expect(page.next_cursor).toBe('next')
    expect(calls[0]?.address).toMatch(
      /\?workflow_id=w&status=failed&status=running&id=A&id=B&limit=5&cursor=c$/,
    )
  })

  it('fills in what an execution leaves out', async () => {
    const { api } = anApi(200, {
      execution: { execution_id: 'E', workflow_id: 'w' },
      state: null,
      cursor: 'c',
    })
    const { execution } = await api.execution('E')

    expect(execution).toMatchObject({ status: 'running', progress: 0, ended_at: null, closed: false })
  })

  it('turns a problem document into a Problem with its code and fields', async () => {
    const errors = [{ field: 'rows', message: 'too many' }, { no: 'field' }, 'odd']
    const { api } = anApi(422, { status: 422, code: 'invalid_input', detail: 'It does not fit.', errors })
    const problem = await refusal(api.start('w', {}, 'k'))

    expect(problem).toMatchObject({ status: 422, code: 'invalid_input', message: 'It does not fit.' })
    expect(problem.errors).toEqual([{ field: 'rows', message: 'too many' }])
  })

  it('has a code for refusals that are no problem document', async () => {
    const { api } = anApi(502, '<html>Bad gateway</html>', 'text/html')
    expect(await refusal(api.workflows())).toMatchObject({ status: 502, code: 'http_502' })
  })

  it('names the request of a refusal, by the document or else by the header', async () => {
    const answer = (body: object) => () =>
      Promise.resolve(
        new Response(JSON.stringify(body), { status: 500, headers: { 'X-Request-Id': 'edge-7' } }),
      )
    const told = await refusal(
      new HttpApi('/', answer({ code: 'internal', request_id: 'inner-1' })).workflows(),
    )
    const passed = await refusal(new HttpApi('/', answer({})).workflows())

    expect([told.requestId, passed.requestId]).toEqual(['inner-1', 'edge-7'])
    expect((await refusal(anApi(502, '').api.workflows())).requestId).toBe('')
  })

  it('says so where the address is another server’s page', async () => {
    const { api } = anApi(200, '<html>Hello</html>', 'text/html')
    expect(await refusal(api.workflows())).toMatchObject({ code: 'not_json' })
  })

  it('says that the server cannot be reached', async () => {
    const api = new HttpApi('/', () => Promise.reject(new TypeError('failed to fetch')))
    expect(await refusal(api.workflows())).toMatchObject({ status: 0, code: 'unreachable' })
  })

  it('needs no body in the answer to a sign-in', async () => {
    const { api, calls } = anApi(204, null)
    await api.signIn('s3cret')

    expect(calls[0]?.init.body).toBe('{"token":"s3cret"}')
  })

  it.each([
    ['no list', { workflows: {} }],
    ['no id', { workflows: [{}], sources: [] }],
    ['no object', 7],
  ])('refuses an answer with %s', async (_, body) => {
    await expect(anApi(200, body).api.workflows()).rejects.toThrow('server')
  })
})

describe('addresses', () => {
  it('are below the page’s base, or the one given', () => {
    expect(baseAddress().href).toBe('http://localhost:3000/')
    expect(baseAddress('/team/headway').href).toBe('http://localhost:3000/team/headway/')
    document.head.innerHTML = '<base href="/prefix/">'
    expect(baseAddress().href).toBe('http://localhost:3000/prefix/')
    document.head.innerHTML = ''
  })

  it('use the socket scheme that fits', () => {
    const query = new URLSearchParams({ after: '3' })
    expect(socketAddress('ws/workflow/w', query, 'https://example.org/x/')).toBe(
      'wss://example.org/x/ws/workflow/w?after=3',
    )
  })
})
