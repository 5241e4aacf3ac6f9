import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { beforeEach, expect, it, vi } from 'vitest'
import { LOAD_ROWS } from '../../../test/loadRows'
import type { Execution, Workflow } from '../../api/decode'
import { Problem } from '../../api/http'
import { SchemaInputForm, SchemaRunForm } from './SchemaForms'

vi.setConfig({ testTimeout: 20_000 })
const { click, clear, selectOptions, tab, type } = userEvent

beforeEach(() => {
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => {})
  return () => expect(complaints).not.toHaveBeenCalled()
})

function show(fields: Partial<Workflow> = {}, onRun = vi.fn(async (_input: unknown, _stay: boolean) => {})) {
  const workflow: Workflow = {
    workflow_id: 'load_rows',
    title: 'Load rows',
    description: '',
    input_schema: LOAD_ROWS,
    plan: [],
    source: '/x/flows.py',
    code_hash: '',
    import_error: null,
    latest: null,
    ...fields,
  }
  render(<SchemaRunForm workflow={workflow} base="http://127.0.0.1/" onRun={onRun} canStay />)
  return onRun
}

const button = (name: string) => screen.getByRole('button', { name })
const run = () => click(button('Run'))

it('takes a choice and a list of objects', async () => {
  const onRun = show()
  await selectOptions(screen.getByLabelText('Source', { selector: 'select' }), 'Table source')
  await type(screen.getByLabelText(/^Url/), 'db')
  await type(screen.getByLabelText('Tables'), 'a{enter}b')
  await click(screen.getByLabelText('Add to Columns'))
  await type(screen.getByLabelText(/^Name/), 'sku')
  await run()
  expect(onRun).toHaveBeenCalledWith(
    {
      source: { kind: 'table', url: 'db', tables: ['a', 'b'] },
      columns: [{ name: 'sku', type: 'text' }],
      ...{ batch: 500, rows: 'all', dry_run: false },
    },
    false,
  )
})

it('takes a map, an optional object and one of two types', async () => {
  const onRun = show()
  await type(screen.getByLabelText(/^Path/), 'x')
  await click(screen.getByLabelText('Add to Labels'))
  await type(screen.getByLabelText('Name in Labels'), 'team')
  await type(screen.getByLabelText('Value of team'), 'data')
  await selectOptions(screen.getByLabelText('Notice', { selector: 'select' }), 'Notice')
  await type(screen.getByLabelText(/^To/), 'ann')
  await selectOptions(screen.getByLabelText('Rows', { selector: 'select' }), 'Whole number')
  const number = screen.getByLabelText('Whole number')
  await type(number, '1.50')
  expect(number).toHaveValue('1.50')
  await clear(number)
  await type(number, '7')
  await run()
  expect(onRun).toHaveBeenCalledWith(
    {
      source: { kind: 'file', path: 'x', delimiter: ',' },
      columns: [],
      labels: { team: 'data' },
      notice: { to: 'ann', on_success: false },
      ...{ batch: 500, rows: 7, dry_run: false },
    },
    false,
  )
})

it('moves and removes what is in a list, with the focus near', async () => {
  const onRun = show()
  await type(screen.getByLabelText(/^Path/), 'x')
  for (const name of ['one', 'two']) {
    await click(screen.getByLabelText('Add to Columns'))
    await vi.waitFor(() => expect(screen.getAllByLabelText(/^Name/).at(-1)).toHaveFocus())
    await type(screen.getAllByLabelText(/^Name/).at(-1) as HTMLElement, name)
  }
  await click(screen.getByLabelText('Move 2 up'))
  await vi.waitFor(() => expect(screen.getByLabelText('Move 1 down')).toHaveFocus())
  expect(screen.getAllByLabelText(/^Name/)[0]).toHaveValue('two')
  await click(screen.getByLabelText('Remove 2'))
  await vi.waitFor(() => expect(screen.getByLabelText('Add to Columns')).toHaveFocus())
  await run()
  expect(onRun.mock.lastCall?.[0]).toMatchObject({ columns: [{ name: 'two' }] })
})

it('takes no name of a map twice, and asks for one', async () => {
  show()
  await click(screen.getByLabelText('Add to Labels'))
  await type(screen.getByLabelText('Name in Labels'), 'ab')
  await click(screen.getByLabelText('Add to Labels'))
  const [, second] = screen.getAllByLabelText('Name in Labels') as [HTMLElement, HTMLElement]
  await run()
  expect(second).toHaveAccessibleDescription('needs a name')
  await type(second, 'ab')
  expect(second).toHaveAccessibleDescription('is there already')
  await type(second, 'c')
  expect(second).toHaveValue('abc')
  expect(second).not.toHaveAttribute('aria-invalid')
  await click(screen.getByLabelText('Remove ab'))
  expect(screen.getByLabelText('Name in Labels')).toHaveValue('abc')
})

it('names what is wrong under its field, and goes to the first', async () => {
  const onRun = show()
  await click(screen.getByLabelText('Add to Columns'))
  await type(screen.getByLabelText(/^Width/), 'wide')
  await run()
  const path = screen.getByLabelText(/^Path/)
  expect(path).toHaveFocus()
  expect(path).toBeInvalid()
  expect(path).toHaveAccessibleDescription('Where it lies on the server. is required')
  expect(path).toBeRequired()
  expect(screen.getByLabelText(/^Width/)).toHaveAccessibleDescription('is no number')
  await type(path, 'x.csv')
  expect(path).not.toBeInvalid()
  expect(screen.getByLabelText(/^Width/)).toBeInvalid()
  expect(onRun).not.toHaveBeenCalled()
})

it('puts what the server refuses at the same fields, the rest on top', async () => {
  const faults = [
    { field: 'columns[1].name', message: 'is there twice' },
    { field: 'notice.to', message: 'is nobody' },
    { field: 'colour', message: 'is not a field of this input' },
  ]
  const onRun = vi.fn(async () => {
    throw new Problem(422, 'invalid_input', 'It does not fit.', faults)
  })
  const input = {
    source: { kind: 'file', path: 'x' },
    columns: [{ name: 'a' }, { name: 'a' }],
    notice: { to: 'x' },
  }
  show({ latest: { created_at: '2026-11-22T21:30:00Z', input } as unknown as Execution }, onRun)
  await click(button('Last run'))
  await run()
  const [, second] = screen.getAllByLabelText(/^Name/)
  await vi.waitFor(() => expect(second).toHaveFocus())
  expect(second).toHaveAccessibleDescription('is there twice')
  expect(screen.getByLabelText(/^To/)).toHaveAccessibleDescription('is nobody')
  expect(screen.getByRole('alert')).toHaveTextContent('colour: is not a field of this input')
  await click(screen.getByLabelText('Remove 1'))
  expect(screen.getByLabelText(/^Name/)).not.toBeInvalid()
})

it('stays JSON where the form would hide a part', async () => {
  const input = { source: { kind: 'file', path: 'x', encoding: 'utf-8' }, columns: [] }
  show({ latest: { created_at: '2026-11-22T21:30:00Z', input } as unknown as Execution })
  await click(button('Last run'))
  expect(screen.getByRole('alert')).toHaveTextContent('cannot show all')
  expect(JSON.parse((screen.getByLabelText('Input as JSON') as HTMLTextAreaElement).value)).toEqual(input)
})

it('is the same input as JSON, and as a form again', async () => {
  const onRun = show()
  await type(screen.getByLabelText(/^Path/), 'x.csv')
  await click(button('JSON'))
  const text = screen.getByLabelText('Input as JSON')
  await clear(text)
  await type(text, '{{"source":{{"kind":"table","url":"u"},"columns":[[],"extra":{{"a":[[1]}}')
  await click(button('Form'))
  expect(screen.getByLabelText('Source', { selector: 'select' })).toHaveDisplayValue('Table source')
  expect(screen.getByLabelText('Extra')).toHaveValue('{\n  "a": [\n    1\n  ]\n}')
  await type(screen.getByLabelText('Extra'), 'x')
  await run()
  expect(screen.getByLabelText('Extra')).toHaveAccessibleDescription('is not valid JSON')
  expect(onRun).not.toHaveBeenCalled()
})

it('is all reached by Tab, in the order of the page', async () => {
  show()
  const names: string[] = []
  for (let presses = 0; presses < 7; presses++) {
    await tab()
    names.push(
      document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
    )
  }
  expect(names).toEqual(['Form', 'JSON', 'Source', '', '', 'Add to Columns', 'Add to Labels'])
})

it('shows the input of the run that is done over', async () => {
  const onSubmit = vi.fn(async () => {})
  const initial = {
    source: { kind: 'file', path: 'x', delimiter: ';' },
    columns: [{ name: 'a' }],
    limits: { a: 1 },
  }
  render(<SchemaInputForm schema={LOAD_ROWS} initial={initial} label="Run again" onSubmit={onSubmit} />)
  expect(screen.getByLabelText('Delimiter')).toHaveValue(';')
  expect(screen.getByLabelText('Value of a')).toHaveValue('1')
  await click(button('Run again'))
  expect(onSubmit).toHaveBeenCalledWith(expect.objectContaining({ source: initial.source, limits: { a: 1 } }))
})

it('goes as deep as what is within itself, and keeps to the branch that was chosen', async () => {
  const tree = {
    type: 'object',
    title: 'Tree',
    required: ['name'],
    properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/Tree' } } },
  }
  const either = { anyOf: [{ type: 'string' }, { type: 'integer' }] }
  const schema = {
    $defs: { Tree: tree },
    properties: { tree: { $ref: '#/$defs/Tree' }, either },
    required: ['tree', 'either'],
  }
  const onSubmit = vi.fn(async () => {})
  render(<SchemaInputForm schema={schema} onSubmit={onSubmit} />)
  await click(screen.getByLabelText('Add to Children'))
  await click(screen.getAllByLabelText('Add to Children')[0] as HTMLElement)
  for (const [index, name] of ['a', 'b', 'c'].entries())
    await type(screen.getAllByLabelText(/^Name/)[index] as HTMLElement, name)
  await selectOptions(screen.getByLabelText('Either'), 'Whole number')
  await type(screen.getByLabelText('Whole number'), '5x{Backspace}')
  await run()
  const children = [{ name: 'b', children: [{ name: 'c' }] }]
  expect(onSubmit).toHaveBeenCalledWith({ tree: { name: 'a', children }, either: 5 })
})

it('writes a secret as dots, also in a list', async () => {
  const secret = { type: 'string', format: 'password', writeOnly: true }
  const keys = { type: 'array', items: secret, title: 'Keys' }
  const token = { anyOf: [secret, { type: 'null' }], title: 'Token', default: null }
  const onRun = show({ input_schema: { type: 'object', properties: { token, keys } } })
  expect(screen.getByLabelText(/^Token/)).toHaveAttribute('type', 'password')
  await type(screen.getByLabelText(/^Token/), 's3cr3t-pw')
  await click(screen.getByLabelText('Add to Keys'))
  expect(document.querySelectorAll('input[type=password]')).toHaveLength(2)
  await type(screen.getByLabelText('Keys 1'), 'k-1')
  await run()
  expect(onRun).toHaveBeenCalledWith({ token: 's3cr3t-pw', keys: ['k-1'] }, false)
})
