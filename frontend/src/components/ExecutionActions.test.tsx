import { render, screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { EXECUTION } from '../../test/builders'
import { HttpApi } from '../api/http'
import { ExecutionStore } from '../core/store'
import { ExecutionActions } from './ExecutionActions'

const summary = { ...new ExecutionStore('nightly_import').get('summary'), execution_id: EXECUTION }

function actions(answer: () => Promise<Response>, isLive: boolean) {
  return (
    <ExecutionActions
      api={new HttpApi('http://127.0.0.1:1/', answer)}
      summary={summary}
      isLive={isLive}
      onStarted={() => {}}
    />
  )
}

it('that the server cannot be reached is said until it is reached again', async () => {
  const cut = () => Promise.reject(new TypeError('fetch failed'))
  const { rerender } = render(actions(cut, false))
  await userEvent.click(screen.getByRole('button', { name: 'Cancel' }))
  expect(await screen.findByRole('alert')).toHaveTextContent('The server cannot be reached.')
  rerender(actions(cut, true))

  expect(screen.queryByRole('alert')).toBeNull()
})

it('a refusal stays when the connection comes back', async () => {
  const body = { status: 403, code: 'forbidden', detail: 'This token cannot cancel.' }
  const refuse = () => Promise.resolve(new Response(JSON.stringify(body), { status: 403 }))
  const { rerender } = render(actions(refuse, false))
  await userEvent.click(screen.getByRole('button', { name: 'Cancel' }))
  expect(await screen.findByRole('alert')).toHaveTextContent('This token cannot cancel.')
  rerender(actions(refuse, true))

  expect(screen.getByRole('alert')).toBeInTheDocument()
})
