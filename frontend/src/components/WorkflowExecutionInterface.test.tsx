import { render, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { EXECUTION, Execution, OTHER_EXECUTION } from '../../test/builders'
import { eventually } from '../../test/eventually'
import { FeedServer } from '../../test/feedServer'
import {
  WorkflowExecutionInterface,
  type WorkflowExecutionInterfaceProps,
} from './WorkflowExecutionInterface'

let server: FeedServer

beforeEach(async () => {
  server = await FeedServer.start()
  answer('/api/workflows', 200, { workflows: [aWorkflow()], sources: [] })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await server.stop()
})

const schema = {
  type: 'object',
  required: ['path'],
  properties: {
    path: { type: 'string', title: 'Path', description: 'What to import.' },
    rows: { type: 'integer', title: 'Rows', default: 100 },
    dry_run: { type: 'boolean', title: 'Dry run', default: false },
  },
}

function aWorkflow(fields: object = {}) {
  const texts = { workflow_id: 'nightly_import', title: 'Nightly import', description: 'Imports it all.' }
  return {
    ...texts,
    input_schema: schema,
    plan: [],
    source: '/x/flows.py',
    import_error: null,
    latest: null,
    ...fields,
  }
}

function answer(path: string, status: number, body: unknown) {
  server.answers.set(path, { status, body })
}

function show(props: Partial<WorkflowExecutionInterfaceProps> = {}) {
  return render(<WorkflowExecutionInterface apiBase={server.base} {...props} />)
}

const START = '/api/workflows/nightly_import/executions'
const button = (name: string) => screen.findByRole('button', { name }, { timeout: 5_000 })

it('leads from the list through the form to the live execution', async () => {
  const [onExecutionStart, onExecutionComplete] = [vi.fn(), vi.fn()]
  answer(START, 201, { execution_id: EXECUTION, workflow_id: 'nightly_import', created: true })
  show({ onExecutionStart, onExecutionComplete })
  await userEvent.click(await screen.findByRole('button', { name: /Nightly import/ }))
  await userEvent.type(await screen.findByLabelText(/Path/), 'orders.csv')
  await userEvent.clear(screen.getByLabelText('Rows'))
  await userEvent.type(screen.getByLabelText('Rows'), '7')
  await userEvent.click(screen.getByLabelText('Dry run'))
  await userEvent.click(await button('Run'))
  const run = new Execution()
  server.append(run.queued(), run.started(), run.log('hello'), run.completed())

  expect(await screen.findByText('hello', {}, { timeout: 5_000 })).toBeInTheDocument()
  expect(server.bodies.at(-1)).toEqual({ input: { path: 'orders.csv', rows: 7, dry_run: true } })
  expect(onExecutionStart).toHaveBeenCalledWith(EXECUTION, 'nightly_import')
  await eventually(() => onExecutionComplete.mock.calls.length === 1)
})

it('names the field at fault and goes there, without asking the server', async () => {
  show({ workflowId: 'nightly_import' })
  await userEvent.clear(await screen.findByLabelText('Rows', {}, { timeout: 5_000 }))
  await userEvent.type(screen.getByLabelText('Rows'), '1.5')
  await userEvent.click(await button('Run'))

  const path = screen.getByLabelText(/Path/)
  expect(path).toHaveFocus()
  expect(path).toHaveAccessibleDescription('What to import. is required')
  expect(screen.getByLabelText('Rows')).toBeInvalid()
  expect(server.asked).not.toContain(`POST ${START}`)
})

it('puts what the server refuses at its field, with focus on the first', async () => {
  const errors = [{ field: 'rows', message: 'at most 50' }]
  answer(START, 422, { status: 422, code: 'invalid_input', detail: 'The input does not fit.', errors })
  show({ workflowId: 'nightly_import' })
  await userEvent.type(await screen.findByLabelText(/Path/, {}, { timeout: 5_000 }), 'x')
  await userEvent.click(await button('Run'))

  await waitFor(() => expect(screen.getByLabelText('Rows')).toHaveFocus())
  expect(screen.getByLabelText('Rows')).toHaveAccessibleDescription('at most 50')
})

it('shows what went wrong where no field is at fault', async () => {
  answer(START, 409, { status: 409, code: 'workflow_unavailable', detail: 'The file does not import.' })
  show({ workflowId: 'nightly_import' })
  await userEvent.type(await screen.findByLabelText(/Path/, {}, { timeout: 5_000 }), 'x')
  await userEvent.click(await button('Run'))

  expect(await screen.findByRole('alert')).toHaveTextContent('The file does not import.')
})

it('says cancelling from the click until the event says cancelled, then offers to run again', async () => {
  const run = new Execution()
  const onExecutionStart = vi.fn()
  answer(`/api/executions/${EXECUTION}/cancel`, 202, { control_id: 'c', control: 'cancel' })
  answer(`/api/executions/${EXECUTION}/retry`, 201, {
    execution_id: OTHER_EXECUTION,
    workflow_id: 'nightly_import',
  })
  server.append(run.queued({ path: 'x' }), run.started())
  show({ workflowId: 'nightly_import', executionId: EXECUTION, onExecutionStart })
  await userEvent.click(await button('Cancel'))
  expect(await button('Cancelling…')).toBeDisabled()
  server.append(run.cancelled())
  await userEvent.click(await button('Run again'))

  await waitFor(() => expect(onExecutionStart).toHaveBeenCalledWith(OTHER_EXECUTION, 'nightly_import'))
  expect(server.asked).toContain(`POST /api/executions/${EXECUTION}/cancel`)
})

it('shows the traceback of a file that does not import, and the workflows of the others', async () => {
  const import_error = 'Traceback (most recent call last):\n  …\nImportError: no such thing'
  answer('/api/workflows', 200, {
    workflows: [aWorkflow()],
    sources: [{ path: '/x/broken.py', import_error, loaded_at: '' }],
  })
  show()
  const panel = await screen.findByRole('region', { name: 'Import error of /x/broken.py' })

  expect(within(panel).getByText('ImportError: no such thing')).toBeInTheDocument()
  expect(panel.querySelector('pre')?.textContent).toBe(import_error)
  expect(screen.getByRole('button', { name: /Nightly import/ })).toBeInTheDocument()
})

it('does not run a workflow whose file does not import now', async () => {
  answer('/api/workflows', 200, { workflows: [aWorkflow({ import_error: 'SyntaxError: no' })], sources: [] })
  show({ workflowId: 'nightly_import' })

  expect(await button('Run')).toBeDisabled()
  expect(screen.getByText('Mend the file, then run.')).toBeInTheDocument()
})

it('shows how to begin where there is no workflow', async () => {
  answer('/api/workflows', 200, { workflows: [], sources: [] })
  show()

  expect(await screen.findByText('No workflow yet')).toBeInTheDocument()
  expect(screen.getByText('headway serve flows.py')).toBeInTheDocument()
})

it('says that a workflow does not exist', async () => {
  show({ workflowId: 'nightly_inport' })

  expect(await screen.findByText('No workflow is called nightly_inport')).toBeInTheDocument()
})

it('says that the server is away, and keeps what it shows', async () => {
  show()
  await screen.findByRole('button', { name: /Nightly import/ })
  answer('/api/workflows', 503, { status: 503, code: 'unavailable', detail: 'Not now.' })

  expect(await screen.findByRole('alert', {}, { timeout: 8_000 })).toHaveTextContent('Not now.')
  expect(screen.getByRole('button', { name: /Nightly import/ })).toBeInTheDocument()
}, 15_000)

it('can link to the pages of an application around it', async () => {
  const onWorkflowSelect = vi.fn()
  show({ workflowHref: id => `/workflows/${id}`, onWorkflowSelect })
  const link = await screen.findByRole('link', { name: /Nightly import/ })
  expect(link).toHaveAttribute('href', '/workflows/nightly_import')
  await userEvent.click(link)

  expect(onWorkflowSelect).toHaveBeenCalledWith('nightly_import')
})

it('asks with the token of who looks, for the list and for the execution', async () => {
  const asked: (string | null)[] = []
  const real = globalThis.fetch
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
    asked.push(new Headers(init?.headers).get('authorization'))
    const headers = new Headers(init?.headers)
    headers.delete('authorization') // which the server of the tests does not allow from elsewhere
    return real(input, { ...init, headers })
  })
  const token = vi.fn(() => 'secret')
  const run = new Execution()
  server.append(run.queued(), run.started(), run.log('hello'))
  show({ token, workflowId: 'nightly_import', executionId: EXECUTION })
  await eventually(() => asked.length > 0 && token.mock.calls.length > asked.length)

  expect(new Set(asked)).toEqual(new Set(['Bearer secret']))
})
