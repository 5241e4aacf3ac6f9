import { act, render, screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { StrictMode } from 'react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EXECUTION, Execution, OTHER_EXECUTION } from '../../test/builders'
import { eventually } from '../../test/eventually'
import { FeedServer } from '../../test/feedServer'
import { ModelLog } from '../../test/modelServer'
import { speakRich } from '../../test/speakRich'
import type { ExecutionResult } from '../core/events'
import { outputTab } from './OutputPanel'
import { WorkflowExecutionMonitor, type WorkflowExecutionMonitorProps } from './WorkflowExecutionMonitor'

let server: FeedServer
let run: Execution
let results: ExecutionResult[]

beforeEach(async () => {
  server = await FeedServer.start()
  run = new Execution()
  results = []
})

afterEach(async () => {
  vi.restoreAllMocks()
  await server.stop()
})

function show(props: Partial<WorkflowExecutionMonitorProps> = {}) {
  return render(
    <StrictMode>
      <WorkflowExecutionMonitor
        workflowId="nightly_import"
        apiBase={server.base}
        onExecutionComplete={result => results.push(result)}
        {...props}
      />
    </StrictMode>,
  )
}

const monitor = () => screen.getByRole('region', { name: 'Execution of nightly_import' })
const badge = () => monitor().querySelector('.headway-badge')
const liveness = () => monitor().querySelector('.headway-liveness')
const bar = () => within(monitor()).getByRole('progressbar')
const lines = () =>
  [...monitor().querySelectorAll('.headway-log__row:not([hidden]) .headway-log__text')].map(
    line => line.textContent,
  )
const within5s = { timeout: 5_000 }

describe('what it shows', () => {
  it('follows an execution from its start to its end', async () => {
    show()
    expect(liveness()).toHaveTextContent('connecting…')
    await eventually(() => server.sockets.length > 0)
    await waitFor(() => expect(monitor()).toHaveTextContent('waiting for it to start'))

    act(() =>
      server.append(
        run.queued(),
        run.started('fetch', 'load'),
        run.step('fetch', { total: 40, unit: 'page' }),
      ),
    )
    await waitFor(() => expect(badge()).toHaveTextContent('running'))
    act(() => server.append(run.progressed('fetch', 12, 40, 15), run.log('fetched page 12')))
    await waitFor(() => expect(bar()).toHaveAttribute('aria-valuenow', '15'))
    expect(monitor()).toHaveTextContent('0 of 2 steps')
    expect(monitor()).toHaveTextContent('fetch: 12 of 40 pages')
    expect(await screen.findByText('fetched page 12')).toBeInTheDocument()
    expect(screen.getByText('not begun')).toBeInTheDocument()

    act(() => server.append(run.stepCompleted('fetch', 50), run.step('load'), run.stepCompleted('load', 99)))
    act(() => server.append(run.completed({ rows: 480 })))
    await waitFor(() => expect(badge()).toHaveTextContent('completed'))
    expect(bar()).toHaveAttribute('aria-valuenow', '100')
    expect(liveness()).toHaveTextContent(/^ended \d\d:\d\d:\d\d$/)
    expect(
      within(screen.getByRole('region', { name: 'Result' })).getByText(/"rows": 480/),
    ).toBeInTheDocument()
    expect(monitor()).toHaveTextContent('complete: 9 of 9 events, 1 of 1 log lines')
  })

  it('shows error, step and folded traceback of a failed execution', async () => {
    const where = {
      step: 'load',
      step_id: 'load#17',
      traceback: 'Traceback …\nKeyError',
      code: 'step_timeout',
    }
    server.append(run.queued(), run.started(), run.step('load'), run.failed("KeyError: 'sku'", where))
    show()
    const panel = await screen.findByRole('region', { name: 'Error' }, within5s)

    expect(panel).toHaveTextContent('Failed in load')
    expect(panel).toHaveTextContent("KeyError: 'sku'")
    expect(panel).toHaveTextContent('load#17')
    expect(panel).toHaveTextContent('step_timeout')
    expect(panel.querySelector('details')).not.toHaveAttribute('open')
    expect(screen.getByRole('status')).toHaveTextContent("nightly_import failed: KeyError: 'sku'")
  })

  it('shows an execution that has long ended, with its log', async () => {
    server.append(run.queued(), run.started(), run.log('an old line'), run.cancelled())
    show()
    await waitFor(() => expect(badge()).toHaveTextContent('cancelled'), within5s)

    expect(await screen.findByText('an old line')).toBeInTheDocument()
    expect(results).toHaveLength(1)
  })

  it('shows counts in place of a percentage where no total is known', async () => {
    const started = run.event('execution.started', {
      attempt: 1,
      worker: 'w',
      progress: 0,
      indeterminate: true,
    })
    server.append(started, run.step('crawl'))
    show()
    await waitFor(() => expect(bar()).toHaveAttribute('aria-valuetext', '0 of 1 step so far'), within5s)

    expect(bar()).not.toHaveAttribute('aria-valuenow')
    expect(monitor()).not.toHaveTextContent('%')
  })

  it('says cancelling until the cancellation takes effect', async () => {
    server.append(run.queued(), run.started())
    show()
    await waitFor(() => expect(badge()).toHaveTextContent('running'), within5s)
    const control = { control: 'cancel', control_id: 'c1', phase: 'cancelling' }
    act(() => server.append(run.event('control.requested', control)))
    await waitFor(() => expect(badge()).toHaveTextContent('cancelling…'))
    act(() => server.append(run.cancelled()))
    await waitFor(() => expect(badge()).toHaveTextContent(/^cancelled$/))
  })

  it('links the files it leaves and the log, at the server it was told of', async () => {
    const report = {
      name: 'report.html',
      media_type: 'text/html',
      size: 14_200,
      sha256: 'x',
      message: 'report.html',
    }
    server.append(run.queued(), run.started(), run.event('output', report), run.completed())
    show()
    const link = await screen.findByRole('link', { name: 'report.html' }, within5s)

    expect(link).toHaveAttribute('href', `${server.base}api/executions/${EXECUTION}/outputs/report.html`)
    expect(screen.getByText('text/html · 14.2 kB')).toBeInTheDocument()
    const download = screen.getByRole('link', { name: 'Download the log' })
    expect(download).toHaveAttribute('href', `${server.base}api/executions/${EXECUTION}/log`)
  })

  it('folds a fan-out above a dozen items until it is opened', async () => {
    server.append(run.queued(), run.started(), run.step('load'))
    for (let n = 0; n < 20; n++) {
      server.append(
        run.event('step.started', { step: `chunk ${n}`, step_id: `chunk#${n}`, parent: 'load#1' }),
      )
    }
    show()
    const fold = await screen.findByRole('button', { name: 'Show the items of load' }, within5s)
    await waitFor(() => expect(fold).toHaveTextContent('0 of 20 done, 20 running'))
    expect(screen.queryByText('chunk 3')).not.toBeInTheDocument()
    await userEvent.click(fold)

    expect(screen.getByText('chunk 3')).toBeInTheDocument()
    expect(fold).toHaveAttribute('aria-expanded', 'true')
  })

  it('never makes HTML of what a workflow writes', async () => {
    server.append(
      run.queued(),
      run.started(),
      run.log('<img src=x onerror=alert(1)>'),
      run.failed('<b>boom</b>'),
    )
    show()
    expect(await screen.findByText('<img src=x onerror=alert(1)>', {}, within5s)).toBeInTheDocument()

    expect(monitor().querySelector('img, b')).toBeNull()
  })

  it('searches the log, and filters it by text and by level', async () => {
    server.append(run.queued(), run.log('a needle here'), run.log('hay'), run.log('a rusty needle', 'ERROR'))
    show()
    await screen.findByText('hay', {}, within5s)
    await userEvent.type(screen.getByRole('searchbox', { name: 'Search the log' }), 'needle')
    expect(await screen.findByText('2', { selector: '.headway-log__hits' })).toBeVisible()
    expect(lines()).toEqual(['a needle here', 'hay', 'a rusty needle'])
    await userEvent.click(screen.getByRole('button', { name: 'Only lines that match' }))
    await waitFor(() => expect(lines()).toEqual(['a needle here', 'a rusty needle']))
    expect(monitor()).toHaveTextContent('2 of 3 lines')
    await userEvent.selectOptions(
      screen.getByRole('combobox', { name: 'Lowest level shown' }),
      'Error and up',
    )

    await waitFor(() => expect(lines()).toEqual(['a rusty needle']))
    expect(monitor()).toHaveTextContent('1 of 3 lines')
  })

  it('leaves out the log or the steps where told', async () => {
    server.append(run.queued(), run.started(), run.step('fetch'), run.log('hello'))
    show({ showLog: false, showSteps: false })
    await waitFor(() => expect(badge()).toHaveTextContent('running'), within5s)

    expect(screen.queryByRole('region', { name: 'Log' })).toBeNull()
    expect(screen.queryByRole('region', { name: 'Steps' })).toBeNull()
  })
})

describe('a failure', () => {
  const failing = () => {
    const load = { step: 'load', step_id: 'load#1' }
    return [
      ...[run.queued(), run.started(), run.step('fetch'), run.log('fetched'), run.step('load')],
      run.event('log', { level: 'INFO', message: 'row 1', ...load }),
      run.event('step.failed', { error: 'no sku', message: 'load#1 failed: no sku', ...load }),
      run.log('tidied up'),
    ]
  }
  const step = (name: string) => within(monitor()).getByRole('button', { name, hidden: true })
  const place = () => monitor().querySelector('.headway-log')

  it('of an execution that had failed before is pointed at, with the whole log, until the reader chooses', async () => {
    server.append(...failing(), run.failed('no sku', { step: 'load', step_id: 'load#1' }))
    show()
    await waitFor(() => expect(step('load')).toHaveAttribute('aria-pressed', 'true'), within5s)
    expect(screen.getByRole('region', { name: 'Selected step: load' })).toBeInTheDocument()
    expect(place()).toHaveTextContent('4 lines')

    await userEvent.click(step('fetch'))
    expect(step('load')).toHaveAttribute('aria-pressed', 'false')
    const details = screen.getByRole('region', { name: 'Selected step: fetch' })
    await userEvent.click(within(details).getByRole('button', { name: /Clear/ }))
    expect(step('load')).toHaveAttribute('aria-pressed', 'false')
    expect(step('fetch')).toHaveAttribute('aria-pressed', 'false')
  })

  it('is told where the output would be', async () => {
    server.append(...failing(), run.failed('no sku', { step: 'load', step_id: 'load#1' }))
    show({ tabs: [outputTab], choice: { tab: 'output' } })
    expect(
      await screen.findByText('It failed before it returned anything.', {}, within5s),
    ).toBeInTheDocument()
  })

  it('leaves a step that the page was opened on', async () => {
    server.append(...failing(), run.failed('no sku', { step: 'load', step_id: 'load#1' }))
    show({ choice: { step: 'fetch#1' } })
    await waitFor(() => expect(step('fetch')).toHaveAttribute('aria-pressed', 'true'), within5s)
    expect(step('load')).toHaveAttribute('aria-pressed', 'false')
  })

  it('that happens before the reader’s eyes moves nothing', async () => {
    server.append(...failing())
    show()
    await waitFor(() => expect(badge()).toHaveTextContent('running'), within5s)
    act(() => server.append({ ...run.failed('no sku'), timestamp: new Date().toISOString() }))
    await waitFor(() => expect(badge()).toHaveTextContent('failed'), within5s)
    expect(step('load')).toHaveAttribute('aria-pressed', 'false')
  })
})

describe('onExecutionComplete', () => {
  it.each([
    ['completed', () => run.completed({ rows: 1 }), { output: { rows: 1 }, error: null }],
    ['failed', () => run.failed('ValueError: no'), { output: null, error: 'ValueError: no' }],
    ['cancelled', () => run.cancelled(), { output: null, error: null }],
  ])('is called exactly once for an execution that is %s, over reconnects', async (status, end, fields) => {
    server.append(run.queued(), run.started())
    show()
    await waitFor(() => expect(badge()).toHaveTextContent('running'), within5s)
    act(() => server.append(end()))
    await eventually(() => results.length > 0)
    const before = server.opened.length
    server.cut()
    await eventually(() => server.opened.length > before)
    for (const socket of server.sockets) server.replay(socket, 0)
    act(() => server.append({ ...run.log('never shown'), execution_id: EXECUTION }))

    expect(results).toEqual([{ execution_id: EXECUTION, status, totals: expect.anything(), ...fields }])
  })

  it('is called for each execution of the workflow', async () => {
    const next = new Execution(OTHER_EXECUTION)
    server.append(run.queued(), run.completed(1))
    show()
    await eventually(() => results.length === 1)
    act(() => server.append(next.queued(), next.started(), next.failed('again')))
    await eventually(() => results.length === 2)

    expect(results.map(result => [result.execution_id, result.status])).toEqual([
      [EXECUTION, 'completed'],
      [OTHER_EXECUTION, 'failed'],
    ])
  })

  it('is called for a plain server’s frames, which carry no seq, kind or result', async () => {
    server.onSocket = socket => {
      const say = (type: string, data: object) =>
        socket.send(JSON.stringify({ type, timestamp: '2026-11-22T21:30:00Z', data }))
      say('status', { status: 'running' })
      say('progress', { progress: 60, step: 'load', message: 'loading' })
      say('log', { message: 'a plain line' })
      say('complete', { status: 'completed' })
    }
    show()
    await eventually(() => results.length === 1)

    expect(results[0]).toMatchObject({ status: 'completed', output: null })
    await waitFor(() => expect(badge()).toHaveTextContent('completed'))
    expect(await screen.findByText('a plain line')).toBeInTheDocument()
  })
})

describe('how honest it is about the connection', () => {
  it('goes on by itself after a cut, with nothing lost and nothing twice', async () => {
    server.append(run.queued(), run.started(), run.log('one'))
    show()
    await screen.findByText('one', {}, within5s)
    server.cut()
    server.append(run.log('two, while away'))
    await screen.findByText('two, while away', {}, within5s)

    expect(screen.getAllByText('one')).toHaveLength(1)
    expect(monitor()).toHaveTextContent('4 events so far, none missing')
  })

  it('says why it cannot show a workflow that does not exist, and stops', async () => {
    server.refuse = 404
    show()
    await waitFor(() => expect(liveness()).toHaveTextContent('Nothing has this id.'), within5s)

    expect(monitor()).toHaveTextContent('Cannot show nightly_import')
  })

  it('shows the end of a long log of a server that proves it, and from where on it was checked', async () => {
    const log = new ModelLog(EXECUTION, 'nightly_import')
    log.append(run.queued())
    while (log.lastSeq < 6_000) log.append(run.log(`line ${log.lastSeq}`))
    const rich = speakRich(server, () => log)
    show({ executionId: EXECUTION })
    expect(await screen.findByText('line 5999', {}, within5s)).toBeInTheDocument()
    log.append(run.completed())
    rich.publish()
    await waitFor(() => expect(monitor()).toHaveTextContent('complete: 6,001 of 6,001 events'), within5s)

    expect(monitor()).toHaveTextContent('5,999 of 5,999 log lines; verified from event 6,001')
    expect(results).toHaveLength(1)
  })

  it('says that it begins anew where an older copy of the log was restored', async () => {
    let log = new ModelLog(EXECUTION, 'nightly_import')
    for (const event of [run.queued(), run.started(), run.log('of one history')]) log.append(event)
    const rich = speakRich(server, () => log)
    show()
    await screen.findByText('of one history', {}, within5s)
    log = log.copy(2)
    for (const event of [run.log('of another'), run.log('and on')]) log.append(event)
    rich.publish()

    expect(await screen.findByText('of another', {}, within5s)).toBeInTheDocument()
    expect(screen.queryByText('of one history')).not.toBeInTheDocument()
    expect(monitor()).toHaveTextContent('an older copy of its log was restored, and it went on differently')
  })
})

it('can be read by machine: log, progress and status have their roles and names', async () => {
  server.append(run.queued(), run.started('fetch'), run.log('x'))
  show()
  await screen.findByText('x', {}, within5s)

  expect(screen.getByRole('log', { name: 'Log' })).toHaveAttribute('aria-live', 'off')
  expect(screen.getByRole('progressbar', { name: 'Progress' })).toBeInTheDocument()
  expect(screen.getByRole('status')).toHaveTextContent('nightly_import running')
  expect(screen.getByRole('button', { name: 'Follow' })).toHaveAttribute('aria-pressed', 'true')
})
