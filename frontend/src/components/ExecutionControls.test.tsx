import { render, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { EXECUTION, Execution, OTHER_EXECUTION } from '../../test/builders'
import { FeedServer } from '../../test/feedServer'
import { HttpApi } from '../api/http'
import { ControlledExecution, type ControlledExecutionProps } from './ControlledExecution'

let server: FeedServer
let run: Execution

beforeEach(async () => {
  localStorage.clear()
  server = await FeedServer.start()
  run = new Execution()
})

afterEach(() => server.stop())

const ANSWER = `/api/executions/${EXECUTION}/approvals/release%231`
const RETRY = `/api/executions/${EXECUTION}/retry`
const form = {
  type: 'object',
  required: ['channel'],
  properties: {
    channel: { type: 'string', title: 'Channel' },
    share: { type: 'integer', title: 'Share', default: 10 },
  },
}

function show(props: Partial<ControlledExecutionProps> = {}) {
  const own = { workflowId: 'nightly_import', executionId: EXECUTION, apiBase: server.base }
  return render(
    <ControlledExecution api={new HttpApi(server.base)} onStarted={() => {}} {...own} {...props} />,
  )
}

function showAsking(data: object = {}) {
  server.answers.set(ANSWER, { status: 202, body: { control_id: 'c1', control: 'approve' } })
  server.append(run.queued({ path: 'x' }), run.started(), run.asked('Release build 7?', { ...data }))
  show()
}

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()
const question = (name = 'Question of nightly_import') =>
  screen.findByRole('region', { name }, { timeout: 5_000 })
const press = async (name: string | RegExp) =>
  userEvent.click(await screen.findByRole('button', { name }, { timeout: 5_000 }))

it('shows who asks what, and since when', async () => {
  showAsking({ step_id: 'release#1' })
  const card = await question('Question of release')

  expect(card).toHaveTextContent('release asks for an answer')
  expect(card).toHaveTextContent('Release build 7?')
  expect(card).toHaveTextContent(/asked .* ago/)
})

it('counts down to the deadline and says what silence means', async () => {
  showAsking({ deadline: inMs(125_000), on_deadline: 'fail' })

  expect(await question()).toHaveTextContent(/2 m 0\d s left, until \S+; without an answer it fails/)
})

it('sends a yes with its values and name, and says sending until the event says it counts', async () => {
  showAsking({ form })
  await userEvent.type(await screen.findByLabelText(/Channel/, {}, { timeout: 5_000 }), 'beta')
  await userEvent.type(screen.getByLabelText('Your name'), 'ada')
  await press('Approve')
  const sending = await screen.findByRole('button', { name: 'Sending…' })
  expect(sending).toBeDisabled()
  await waitFor(() => expect(server.asked).toContain(`POST ${ANSWER}`))
  expect(server.bodies).toEqual([{ approved: true, values: { channel: 'beta', share: 10 }, by: 'ada' }])
  expect(screen.getByRole('button', { name: 'Sending…' })).toBeInTheDocument()
  server.append(run.answered(true, { by: 'ada', values: { channel: 'beta', share: 10 } }))

  const heading = await screen.findByRole('heading', { name: /Approved by ada at/ })
  expect(heading).toBeInTheDocument()
  expect(screen.queryByRole('button', { name: 'Sending…' })).not.toBeInTheDocument()
  expect(await question()).toHaveFocus()
})

it('sends a no without values, though the form is not filled', async () => {
  showAsking({ form })
  await press('Reject')
  await waitFor(() => expect(server.bodies).toEqual([{ approved: false }]))
  server.append(run.answered(false, { by: 'bob' }))

  expect(await screen.findByRole('heading', { name: /Rejected by bob at/ })).toBeInTheDocument()
})

it('does not send a yes that lacks a field, and goes to the field', async () => {
  showAsking({ form })
  await press('Approve')

  expect(screen.getByLabelText(/Channel/)).toHaveFocus()
  expect(screen.getByLabelText(/Channel/)).toHaveAccessibleDescription('is required')
  expect(server.bodies).toEqual([])
})

it('Enter in a field decides nothing', async () => {
  showAsking()
  await userEvent.type(await screen.findByLabelText('Your name', {}, { timeout: 5_000 }), 'ada{Enter}')

  expect(screen.getByRole('button', { name: 'Approve' })).toBeEnabled()
  expect(server.bodies).toEqual([])
})

it('puts what the server refuses at its field, and can be sent again', async () => {
  showAsking({ form })
  const errors = [{ field: 'share', message: 'at most 50' }]
  server.answers.set(ANSWER, { status: 422, body: { code: 'invalid_input', detail: 'No.', errors } })
  await userEvent.type(await screen.findByLabelText(/Channel/, {}, { timeout: 5_000 }), 'beta')
  await press('Approve')

  await waitFor(() => expect(screen.getByLabelText('Share')).toHaveFocus())
  expect(screen.getByLabelText('Share')).toHaveAccessibleDescription('at most 50')
  expect(screen.getByRole('button', { name: 'Approve' })).toBeEnabled()
})

it('says so where somebody else was faster', async () => {
  showAsking()
  const body = { code: 'approval_closed', detail: 'release#1 was already answered with yes by bob' }
  server.answers.set(ANSWER, { status: 409, body })
  await press('Reject')

  expect(await screen.findByRole('alert')).toHaveTextContent('was already answered with yes by bob')
})

it('remembers the name for the next question', async () => {
  showAsking()
  await userEvent.type(await screen.findByLabelText('Your name', {}, { timeout: 5_000 }), 'ada')
  await press('Approve')
  server.append(run.answered(true, { by: 'ada' }), run.asked('And build 8?', { approval_id: 'release#2' }))

  const asked = { selector: '.headway-approval__message' }
  expect(await screen.findByText('And build 8?', asked)).toBeInTheDocument()
  expect(screen.getByLabelText('Your name')).toHaveValue('ada')
})

it('signs a cancel with the name given before', async () => {
  localStorage.setItem('headway-name', 'ada')
  server.answers.set(`/api/executions/${EXECUTION}/cancel`, { status: 202, body: { control_id: 'c1' } })
  server.append(run.queued(), run.started())
  show()
  await press('Cancel')

  await waitFor(() => expect(server.bodies).toEqual([{ by: 'ada' }]))
})

it('says that nobody answered in time, and what that meant', async () => {
  server.append(run.queued(), run.started(), run.asked('Go on?'), run.answered(false, { expired: true }))
  show()

  expect(await question()).toHaveTextContent(/Nobody answered in time: rejected at/)
})

it('a question of an execution that has ended is no longer asked', async () => {
  server.append(run.queued(), run.started(), run.asked('Go on?'), run.cancelled())
  show()

  expect(await question()).toHaveTextContent('No longer asked')
  expect(screen.queryByRole('button', { name: 'Approve' })).not.toBeInTheDocument()
})

it('says beside the status until when, or for which signal, it waits', async () => {
  const until = inMs(90_000)
  server.append(run.queued(), run.started())
  server.append(run.event('wait.started', { wait_id: 'timer#1', wait: 'timer', until }))
  show()
  const row = await waitFor(() => {
    const found = document.querySelector('.headway-monitor__status')
    expect(found).toHaveTextContent(/waiting\s*until \S+, in 1 m 2\d s/)
    return found
  })
  server.append(run.event('wait.ended', { wait_id: 'timer#1', wait: 'timer', outcome: 'elapsed' }))
  server.append(run.event('wait.started', { wait_id: 'signal#1', wait: 'signal', name: 'go' }))

  await waitFor(() => expect(row).toHaveTextContent(/waiting\s*for signal go/))
})

it('shows the receipts of a cancel: requested, delivered, effective, with who and when; folded when done', async () => {
  server.append(run.queued(), run.started())
  server.append(run.control('requested', { by: 'ada', phase: 'cancelling' }), run.control('delivered'))
  show()
  const stages = await screen.findByRole('list', { name: 'Stages' }, { timeout: 5_000 })
  const [requested, delivered, effective] = within(stages).getAllByRole('listitem')
  expect(requested).toHaveTextContent(/^requested \d\d:\d\d:03$/)
  expect(delivered).toHaveTextContent(/^delivered \d\d:\d\d:04$/)
  expect(effective).toHaveTextContent('not yet effective')
  expect(screen.getByText(/by ada/)).toBeVisible()
  server.append(run.control('effective'), run.cancelled())

  await waitFor(() =>
    expect(screen.getByText('1 request, done').closest('details')).not.toHaveAttribute('open'),
  )
  expect(screen.getByText(/^effective \d\d:\d\d:05$/)).toBeInTheDocument()
})

it('runs again with changed input, from a form that shows the last one', async () => {
  const onStarted = vi.fn()
  server.answers.set(RETRY, { status: 201, body: { execution_id: OTHER_EXECUTION } })
  server.append(run.queued({ channel: 'beta', share: 3 }), run.started(), run.completed())
  show({ inputSchema: form, onStarted })
  await press('Change input')
  const panel = screen.getByRole('region', { name: 'Run again with changed input' })
  expect(within(panel).getByLabelText(/Channel/)).toHaveValue('beta')
  expect(within(panel).getByLabelText(/Channel/)).toHaveFocus()
  await userEvent.clear(within(panel).getByLabelText('Share'))
  await userEvent.type(within(panel).getByLabelText('Share'), '4')
  await userEvent.click(within(panel).getByRole('button', { name: 'Run again' }))

  await waitFor(() => expect(onStarted).toHaveBeenCalledWith(OTHER_EXECUTION))
  expect(server.bodies).toEqual([{ input: { channel: 'beta', share: 4 } }])
})

it('retries from a failed or completed step, once the execution has ended', async () => {
  const onStarted = vi.fn()
  server.answers.set(RETRY, { status: 201, body: { execution_id: OTHER_EXECUTION } })
  server.append(run.queued(), run.started(), run.step('fetch'), run.stepCompleted('fetch', 50))
  server.append(run.step('load'))
  show({ onStarted })
  await userEvent.click(await screen.findByRole('tab', { name: /Steps/ }, { timeout: 5_000 }))
  await screen.findByText('load', {}, { timeout: 5_000 })
  expect(screen.queryByRole('button', { name: /Retry from here/ })).not.toBeInTheDocument()
  server.append(run.event('step.failed', { step: 'load', step_id: 'load#1', error: 'no', message: 'no' }))
  server.append({ ...run.failed('no'), timestamp: inMs(0) })
  expect(await screen.findByRole('button', { name: 'Retry from here: fetch#1' })).toBeInTheDocument()
  await press('Retry from here: load#1')

  await waitFor(() => expect(onStarted).toHaveBeenCalledWith(OTHER_EXECUTION))
  expect(server.bodies).toEqual([{ from_step: 'load#1' }])
})

it('says why it cannot go on from a step', async () => {
  const detail = 'The results it needs are no longer kept.'
  server.answers.set(RETRY, { status: 410, body: { code: 'position_lost', detail } })
  server.append(
    run.queued(),
    run.started(),
    run.step('fetch'),
    run.stepCompleted('fetch', 50),
    run.completed(),
  )
  show()
  await userEvent.click(await screen.findByRole('tab', { name: /Steps/ }, { timeout: 5_000 }))
  await press('Retry from here: fetch#1')

  expect(await screen.findByRole('alert')).toHaveTextContent(detail)
  expect(screen.getByRole('button', { name: 'Retry from here: fetch#1' })).toBeEnabled()
})

it('folds all but the last closed questions, and keeps open ones in their place', async () => {
  server.append(run.queued(), run.started())
  for (const number of [1, 2, 3, 4]) {
    const id = `release#${number}`
    server.append(run.asked(`Build ${number}?`, { approval_id: id }))
    if (number > 1) server.append(run.answered(true, { approval_id: id }))
  }
  show()
  const folded = (await screen.findByText('1 earlier question', {}, { timeout: 5_000 })).closest('details')

  expect(within(folded as HTMLElement).getByText('Build 2?')).toBeInTheDocument()
  const cards = { selector: '.headway-approval__message' }
  const shown = screen.getAllByText(/^Build \d\?$/, cards).filter(each => !folded?.contains(each))
  expect(shown.map(each => each.textContent)).toEqual(['Build 1?', 'Build 3?', 'Build 4?'])
})
