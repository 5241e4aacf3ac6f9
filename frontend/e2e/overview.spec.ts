/** The pages over all workflows and executions: statistics, the run form, the list, approvals, settings, the palette. */

import type { Page } from '@playwright/test'
import { badge, executionIdOf, expect, test } from './support/fixtures'
import type { Headway } from './support/headway'
import { expectReadable, expectToFit } from './support/readable'

async function ended(headway: Headway, ...ids: string[]): Promise<void> {
  for (const id of ids) await headway.eventually(() => headway.isClosed(id))
}

const row = (page: Page, id: string) => page.locator(`#row-${id}`)

test('a workflow shows its last runs; a bar leads to its execution', async ({ page, headway }) => {
  const failed = await headway.run('broken')
  await ended(headway, failed)
  await page.goto('/')
  const line = page.getByRole('row').filter({ hasText: 'broken' })
  await expect(line).toContainText('0 %')
  const bar = line.getByRole('link', { name: new RegExp(`failed in .*${failed.slice(-8)}`) })
  await expect(bar).toHaveAttribute('title', /KeyError: 'sku'/)
  await bar.click()
  await expect(page).toHaveURL(new RegExp(failed))
})

test('the form is filled from the last run, as fields or as JSON, and tells the same call', async ({
  page,
  headway,
}) => {
  const last = await headway.run('paced', { ticks: 2, pause_s: 0.1 })
  await ended(headway, last)
  await page.goto('/workflows/paced')
  await page.getByRole('button', { name: 'Last run' }).click()
  await expect(page.getByLabel('Ticks')).toHaveValue('2')
  await page.getByRole('button', { name: 'JSON' }).click()
  await page.getByLabel('Input as JSON').fill('{"ticks": 1, "pause_s": 0.1}')
  await page.getByRole('button', { name: 'curl' }).click()
  await expect(page.getByRole('region', { name: 'Same call' })).toContainText('"ticks":1')
  await page.getByLabel('Input as JSON').press('Control+Enter')
  await expect(badge(page)).toHaveText('completed')
  await page.getByRole('link', { name: 'Open the workflow' }).click()
  await page.getByRole('button', { name: 'Run and stay' }).click()
  await expect(page.getByText(/Started \w{8}: it runs while you stay here/)).toBeVisible()
})

test('what the server refuses stands at its field', async ({ page }) => {
  await page.goto('/workflows/release')
  await page.route('**/api/workflows/release/executions', route =>
    route.fulfill({
      status: 422,
      contentType: 'application/problem+json',
      body: JSON.stringify({
        code: 'invalid_input',
        detail: 'No.',
        errors: [{ field: 'number', message: 'is too high' }],
      }),
    }),
  )
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  const field = page.getByLabel('Number')
  await expect(field).toBeFocused()
  await expect(field).toHaveAccessibleDescription('is too high')
})

test('rows change in place and new ones wait until they are asked for', async ({ page, headway }) => {
  const id = await headway.run('paced', { ticks: 300, pause_s: 0.2 })
  await page.goto('/executions')
  await expect(row(page, id)).toContainText('running')
  const newer = await headway.run('paced', { ticks: 1, pause_s: 0.1 })
  await expect(page.getByRole('button', { name: /1 new/ })).toBeVisible()
  await expect(row(page, newer)).toHaveCount(0)
  await expect(page.locator('tbody tr').first()).toHaveAttribute('id', `row-${id}`)
  await page.getByRole('button', { name: /1 new/ }).click()
  await expect(page.locator('tbody tr').first()).toHaveAttribute('id', `row-${newer}`)
  await expect(row(page, newer)).toContainText('completed')
  await fetch(`${headway.url}/api/executions/${id}/cancel`, { method: 'POST' })
  await expect(row(page, id)).toContainText('cancelled')
})

test('keys choose rows, and each gets its receipt', async ({ page, headway }) => {
  const over = await headway.run('paced', { ticks: 1, pause_s: 0.1 })
  await ended(headway, over)
  const open = await headway.run('endless')
  await page.goto('/executions')
  await expect(row(page, open)).toContainText('running')
  await page.keyboard.press('j')
  await page.keyboard.press('c') // alone it ends nothing: it chooses the row, for the next press
  await expect(page.getByText('1 selected')).toBeVisible()
  await page.keyboard.press('j')
  await page.keyboard.press('x')
  await expect(page.getByText('2 selected')).toBeVisible()
  await page.keyboard.press('c')
  await expect(page.getByText('1 cancelled, 1 had ended')).toBeVisible()
  await expect(row(page, over)).toContainText('had ended')
  await expect(row(page, open)).toContainText('cancelled')
  await page.keyboard.press('f')
  await expect(page.getByLabel('Text')).toBeFocused()
})

test('filters stand in the address; nothing found is not nothing there', async ({ page, headway }) => {
  const failed = await headway.run('broken')
  await ended(headway, failed)
  await page.goto('/executions')
  await page.getByLabel('Text').fill("'sku'")
  await expect(page).toHaveURL(/q=/)
  await expect(row(page, failed)).toContainText("KeyError: 'sku'")
  await page.reload()
  await expect(page.getByLabel('Text')).toHaveValue("'sku'")
  await page.getByLabel('Text').fill('no such thing')
  await expect(page.getByRole('heading', { name: 'No execution matches the filters' })).toBeVisible()
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await expect(row(page, failed)).toBeVisible()
})

test('a question is counted in the rail and answered in place', async ({ page, headway }) => {
  const id = await headway.run('release', { number: 81 })
  await page.goto('/approvals')
  const question = page.getByRole('article').filter({ hasText: 'Publish build 81?' })
  await expect(page.getByRole('link', { name: /Approvals \d+ open/ })).toBeVisible()
  await question.getByLabel('Reason').fill('not on a Friday')
  await question.getByRole('button', { name: 'Reject' }).click()
  await expect(question.getByRole('heading', { name: /^Rejected/ })).toBeVisible()
  await expect(question).toContainText('not on a Friday')
  await ended(headway, id)
})

test('an answered question keeps its place, and so do those below it', async ({ page, headway }) => {
  const ids = [await headway.run('release', { number: 84 }), await headway.run('release', { number: 85 })]
  await page.goto('/approvals')
  const questions = page.getByRole('article').filter({ hasText: /Publish build 8[45]\?/ })
  await expect(questions).toHaveCount(2)
  const order = () =>
    questions.evaluateAll(each => each.map(one => /build (8\d)/.exec(one.textContent ?? '')?.[1]))
  const before = await order()
  await questions.nth(1).getByRole('button', { name: 'Reject' }).click()
  await expect(questions.nth(1).getByRole('heading', { name: /^Rejected/ })).toBeVisible()
  expect(await order()).toEqual(before)
  await questions.nth(0).getByRole('button', { name: 'Reject' }).click()
  await ended(headway, ...ids)
})

test.describe('the page to send to somebody', () => {
  test.use({ viewport: { width: 390, height: 844 } })

  test('asks one question, and has nothing around it', async ({ page, headway }) => {
    const id = await headway.run('release', { number: 82 })
    await headway.eventually(async () =>
      JSON.stringify(await headway.get('api/approvals?status=open')).includes(id),
    )
    await page.goto(`/approve/${id}/approval-1`)
    await expect(page.getByText('Publish build 82?')).toBeVisible()
    await expect(page.getByRole('navigation')).toHaveCount(0)
    await expectToFit(page)
    await page.getByLabel('Channel').selectOption('beta')
    await page.getByRole('button', { name: 'Approve' }).click()
    await expect(page.getByRole('heading', { name: /^Approved/ })).toBeVisible()
    await ended(headway, id)
    await expect(page.getByText('release has ended: completed.')).toBeVisible()
    await page.goto(`/approve/${id}/no-such-question`)
    await expect(page.getByText('has asked no such question')).toBeVisible()
  })
})

test('the palette leads by name and by id', async ({ page, headway }) => {
  const id = await headway.run('paced', { ticks: 1, pause_s: 0.1 })
  await page.goto('/settings')
  await expect(page.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible()
  await page.keyboard.press('Control+k')
  await page.getByRole('textbox', { name: 'Search' }).fill('run paced')
  await expect(page.getByRole('button', { name: /Run Paced/ })).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/workflows\/paced$/)
  await page.keyboard.press('Control+k')
  await page.getByRole('textbox', { name: 'Search' }).fill(id.slice(-8))
  await page.getByRole('button', { name: new RegExp(id.slice(-8)) }).click()
  await expect(page).toHaveURL(new RegExp(id))
  expect(executionIdOf(page)).toBe(id)
})

test('settings are remembered and hold everywhere', async ({ page, headway }) => {
  const id = await headway.run('paced', { ticks: 1, pause_s: 0.1 })
  await page.goto('/settings')
  await page.getByText('UTC', { exact: true }).click()
  await page.getByText('Dark', { exact: true }).click()
  await expect(page.getByRole('region', { name: 'Server' })).toContainText('1.0 MB')
  await page.goto('/executions')
  await expect(row(page, id)).toContainText(/\d\d:\d\d:\d\d UTC/)
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark')
  await row(page, id).getByRole('button', { name: /UTC/ }).click()
  await expect(row(page, id)).toContainText('ago')
})

test('a sheet tells the keys, and keys lead to the pages', async ({ page }) => {
  await page.goto('/')
  await expect(page.getByRole('heading', { name: 'Workflows' })).toBeVisible()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keys' })).toContainText('Cancel what is selected')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  for (const [key, path] of [
    ['a', 'approvals'],
    ['e', 'executions'],
    ['s', 'settings'],
  ] as const) {
    await page.keyboard.press('g')
    await page.keyboard.press(key)
    await expect(page).toHaveURL(new RegExp(`/${path}$`))
  }
})

test('a page that is not there, or breaks, says so and leads on', async ({ page }) => {
  await page.goto('/nowhere')
  await expect(page.getByRole('heading', { name: 'Not here' })).toBeVisible()
  await page.goto('/workflows/ghost')
  await expect(page.getByRole('alert')).toContainText('workflow_not_found')
  await page.route('**/api/workflows', route => route.abort())
  await page.goto('/')
  await expect(page.getByRole('heading', { name: 'Server unreachable' })).toBeVisible()
  await page.unroute('**/api/workflows')
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByRole('heading', { name: 'Workflows' })).toBeVisible()
})

test('another version of the server offers to load anew', async ({ page }) => {
  await page.goto('/settings')
  await expect(page.getByRole('region', { name: 'Server' })).toContainText('Version')
  await page.route('**/api/server', async route => {
    const answer = await route.fetch()
    await route.fulfill({ response: answer, json: { ...(await answer.json()), version: '99.0' } })
  })
  await expect(page.getByText('There is a new version of Headway.')).toBeVisible({ timeout: 20_000 })
  await page.unroute('**/api/server')
  await page.getByRole('button', { name: 'Reload' }).click()
  await expect(page.getByText('There is a new version of Headway.')).toHaveCount(0)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`in ${colorScheme} nothing is hard to read, nor wider than a phone`, async ({ page, headway }) => {
    test.setTimeout(150_000)
    await page.emulateMedia({ colorScheme })
    const id = await headway.run('release', { number: 83 })
    await headway.eventually(async () =>
      JSON.stringify(await headway.get('api/approvals?status=open')).includes(id),
    )
    const approve = `/approve/${id}/approval-1`
    const paths = ['/', '/workflows/paced', '/executions', '/executions?q=nothing', '/approvals', '/settings']
    for (const path of [...paths, approve, '/nowhere']) {
      await page.setViewportSize({ width: 1280, height: 844 })
      await page.goto(path)
      await expect(page.getByRole('heading').first()).toBeVisible()
      await expectReadable(page, path)
      await page.screenshot({ path: test.info().outputPath(`${nameOf(path, id)}.png`) })
      await page.setViewportSize({ width: 390, height: 844 })
      if (colorScheme === 'light') await expectReadable(page, `${path} on a phone`)
      await expectToFit(page, path)
      await page.screenshot({ path: test.info().outputPath(`${nameOf(path, id)}-phone.png`) })
    }
    await fetch(`${headway.url}/api/executions/${id}/cancel`, { method: 'POST' })
  })
}

/** For a picture: without what differs from run to run. */
function nameOf(path: string, id: string): string {
  return path.replace(id, '').replace(/\W+/g, '-').replace(/^-|-$/g, '') || 'workflows'
}
