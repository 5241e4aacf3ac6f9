import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import type { Execution, Workflow } from '../api/decode'
import { Problem } from '../api/http'
import { RunForm } from './RunForm'

const schema = {
  type: 'object',
  required: ['path'],
  properties: {
    path: { type: 'string', title: 'Path' },
    rows: { type: 'integer', title: 'Rows', default: 100 },
  },
}
const latest = { created_at: '2026-11-22T21:30:00Z', input: { path: 'last.csv', rows: 7 } } as Execution

function show(fields: Partial<Workflow> = {}, onRun = vi.fn(async () => {})) {
  const workflow: Workflow = {
    workflow_id: 'import',
    title: 'Import',
    description: '',
    input_schema: schema,
    plan: [],
    source: '/x/flows.py',
    code_hash: '',
    import_error: null,
    latest: null,
    ...fields,
  }
  render(<RunForm workflow={workflow} base="http://127.0.0.1/" onRun={onRun} canStay />)
  return onRun
}

const button = (name: string) => screen.getByRole('button', { name })

it('is filled from the last run, and from the defaults again', async () => {
  show({ latest })
  expect(screen.getByLabelText('Rows')).toHaveValue('100')
  await userEvent.click(button('Last run'))
  expect(screen.getByLabelText(/Path/)).toHaveValue('last.csv')
  expect(screen.getByLabelText('Rows')).toHaveValue('7')
  await userEvent.click(button('Defaults'))
  expect(screen.getByLabelText(/Path/)).toHaveValue('')
})

it('takes the input as JSON, with what stood in the form', async () => {
  const onRun = show()
  await userEvent.type(screen.getByLabelText(/Path/), 'x.csv')
  await userEvent.click(button('JSON'))
  const text = screen.getByLabelText('Input as JSON')
  expect(JSON.parse((text as HTMLTextAreaElement).value)).toEqual({ path: 'x.csv', rows: 100 })
  await userEvent.clear(text)
  await userEvent.type(text, '{{"path":"y.csv","deep":{{"er":[[1]}}')
  await userEvent.click(button('Run'))
  expect(onRun).toHaveBeenCalledWith({ path: 'y.csv', deep: { er: [1] } }, false)
})

it('stays JSON where the form would lose a part of it', async () => {
  show()
  await userEvent.click(button('JSON'))
  await userEvent.clear(screen.getByLabelText('Input as JSON'))
  await userEvent.type(screen.getByLabelText('Input as JSON'), '{{"path":"x","unknown":1}')
  await userEvent.click(button('Form'))
  expect(screen.getByRole('alert')).toHaveTextContent('cannot show all')
  expect(screen.getByLabelText('Input as JSON')).toBeInTheDocument()
})

it('says what is wrong with JSON before it is sent', async () => {
  const onRun = show()
  await userEvent.click(button('JSON'))
  await userEvent.clear(screen.getByLabelText('Input as JSON'))
  await userEvent.type(screen.getByLabelText('Input as JSON'), '[[1]')
  await userEvent.click(button('Run'))
  expect(screen.getByRole('alert')).toHaveTextContent('must be an object')
  expect(onRun).not.toHaveBeenCalled()
})

it('names the fields the server refuses, also while the input is JSON', async () => {
  const onRun = vi.fn(async () => {
    throw new Problem(422, 'invalid_input', 'It does not fit.', [{ field: 'rows', message: 'at most 50' }])
  })
  show({ latest }, onRun)
  await userEvent.click(button('Last run'))
  await userEvent.click(button('JSON'))
  await userEvent.click(button('Run'))
  expect(await screen.findByRole('alert')).toHaveTextContent('rows: at most 50')
})

it('runs with Ctrl+Enter from a field, and stays with the other button', async () => {
  const onRun = show()
  await userEvent.type(screen.getByLabelText(/Path/), 'x{Control>}{Enter}{/Control}')
  expect(onRun).toHaveBeenLastCalledWith({ path: 'x', rows: 100 }, false)
  await userEvent.click(button('Run and stay'))
  expect(onRun).toHaveBeenLastCalledWith({ path: 'x', rows: 100 }, true)
})

it('tells the same call with what stands in the form', async () => {
  show()
  await userEvent.type(screen.getByLabelText(/Path/), 'x.csv')
  const call = screen.getByRole('region', { name: 'Same call' })
  expect(call).toHaveTextContent('headway run /x/flows.py:import --json -')
  await userEvent.click(button('curl'))
  expect(call).toHaveTextContent('"path":"x.csv"')
})

it('cannot be run while its file does not import', () => {
  show({ import_error: 'ImportError' })
  expect(button('Run')).toBeDisabled()
  expect(screen.getByText('Mend the file, then run.')).toBeInTheDocument()
})

it('shows a secret nowhere, and does not take over the mask of the last run', async () => {
  const token = { type: 'string', format: 'password', writeOnly: true, title: 'Token' }
  const input_schema = { ...schema, required: ['token'], properties: { ...schema.properties, token } }
  const last = { ...latest, input: { path: 'last.csv', token: '**********' } } as unknown as Execution
  const onRun = show({ input_schema, latest: last })
  await userEvent.click(button('Last run'))
  const field = screen.getByLabelText(/Token/)
  expect(field).toHaveAttribute('type', 'password')
  expect(field).toHaveValue('')
  await userEvent.type(field, 's3cr3t-pw')
  await userEvent.click(button('curl'))
  expect(screen.getByLabelText('Same call')).toHaveTextContent('"token":"**********"')
  expect(screen.getByLabelText('Same call')).not.toHaveTextContent('s3cr3t-pw')
  await userEvent.click(button('Run'))
  expect(onRun).toHaveBeenCalledWith(expect.objectContaining({ token: 's3cr3t-pw' }), false)
})
