/** The list of executions by its addresses, keys and bulks; and what pages say that cannot be shown. */

import type { Page } from '@playwright/test'
import { badge, expect, test } from './support/fixtures'
import type { Headway } from './support/headway'
import { expectReadable, expectToFit } from './support/readable'

const PHONE = { width: 390, height: 844 }

async function ended(headway: Headway, ...ids: string[]): Promise<void> {
  for (const id of ids) await headway.eventually(() => headway.isClosed(id))
}

const row = (page: Page, id: string) => page.locator(`#row-${id}`)
const search = (page: Page) => new URL(page.url()).search

test('an address can be written by hand, and is written as one would', async ({ page, headway }) => {
  const failed = await headway.run('broken')
  const done = await headway.run('paced', { ticks: 1, pause_s: 0.1 })
  await ended(headway, failed, done)

  await page.goto('/executions?status=failed&workflow=broken&since=24h')
  await expect(row(page, failed)).toBeVisible()
  await expect(row(page, done)).toHaveCount(0)
  expect(search(page)).toBe('?status=failed&workflow=broken&since=24h')

  for (const old of ['%5B%22failed%22%2C%22completed%22%5D', 'failed,completed']) {
    await page.goto(`/executions?status=${old}`)
    await expect(row(page, done)).toBeVisible()
    await expect(row(page, failed)).toBeVisible()
    await expect.poll(() => search(page)).toBe('?status=failed&status=completed')
  }

  await page.goto('/executions')
  await page.getByLabel('Text').fill('123')
  await expect.poll(() => search(page)).toBe('?q=123')
  await page.reload()
  await expect(page.getByLabel('Text')).toHaveValue('123')
  await page.getByLabel('Text').fill('a+b ä')
  await expect.poll(() => search(page)).toBe('?q=a%2Bb+%C3%A4')
  await page.reload()
  await expect(page.getByLabel('Text')).toHaveValue('a+b ä')

  await page.goto('/executions?since=90m')
  await expect(row(page, done)).toBeVisible()
  await expect(page.getByRole('combobox', { name: 'Since' })).toHaveValue('last 90 minutes')
})

test('what a filter does not know is named, and can be cleared', async ({ page, headway }) => {
  const id = await headway.run('paced', { ticks: 1, pause_s: 0.1 })
  await page.goto('/executions?status=lost')
  const problem = page.getByRole('alert')
  await expect(problem.getByRole('heading', { name: 'The address does not fit' })).toBeVisible()
  await expect(problem).toContainText('status')
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await expect(row(page, id)).toBeVisible()
})

test('those of a bulk are shown alone, by an address that outlives the page', async ({ page, headway }) => {
  const open = [await headway.run('endless'), await headway.run('endless')]
  const other = await headway.run('paced', { ticks: 1, pause_s: 0.1 })
  await ended(headway, other)
  await page.goto('/executions')
  for (const id of open) await row(page, id).getByRole('checkbox').check()
  await page.getByRole('button', { name: 'Cancel', exact: true }).click()
  await expect(page.getByText('2 cancelled')).toBeVisible()
  await page.getByRole('link', { name: 'Show these 2' }).click()

  await expect(page.getByRole('status').filter({ hasText: 'the bulk that was cancelled' })).toBeVisible()
  await expect(page.locator('tbody tr')).toHaveCount(2)
  expect(new URL(page.url()).searchParams.getAll('id').sort()).toEqual([...open].sort())
  await page.reload()
  await expect(page.locator('tbody tr')).toHaveCount(2)
  for (const id of open) await expect(row(page, id)).toContainText('cancelled')
  await expectReadable(page)
  await page.screenshot({ path: test.info().outputPath('bulk.png') })
  await page.setViewportSize(PHONE)
  await expectToFit(page, 'a bulk')
  await page.screenshot({ path: test.info().outputPath('bulk-phone.png') })
  await page.getByRole('button', { name: 'Show all executions' }).click()
  await expect(row(page, other)).toBeVisible()
  expect(search(page)).toBe('')
})

test('of a bulk that was run again, the new ones are shown', async ({ page, headway }) => {
  const ids = [await headway.run('broken'), await headway.run('broken')]
  await ended(headway, ...ids)
  await page.goto('/executions?workflow=broken')
  for (const id of ids) await row(page, id).getByRole('checkbox').check()
  await page.getByRole('button', { name: 'Run again' }).click()
  await expect(page.getByText('2 started again')).toBeVisible()
  await page.getByRole('link', { name: 'Show these 2' }).click()
  await expect(page.getByText('2 executions: the bulk that was started again.')).toBeVisible()
  await expect(page.locator('tbody tr')).toHaveCount(2)
  for (const id of ids) await expect(row(page, id)).toHaveCount(0)
  await page.locator('tbody tr').first().getByRole('link').first().click()
  await expect(badge(page)).toHaveText('failed')
  await page.goBack()
  await expect(page.locator('tbody tr')).toHaveCount(2)
})

test('every key of the sheet does what it says in the list', async ({ page, headway }) => {
  const older = await headway.run('paced', { ticks: 1, pause_s: 0.1 })
  const newer = await headway.run('paced', { ticks: 1, pause_s: 0.1 })
  await ended(headway, older, newer)
  await page.goto('/executions?workflow=paced')
  await expect(row(page, newer)).toBeVisible()
  const current = page.locator('tbody tr[data-current]')

  await page.keyboard.press('j')
  await expect(current).toHaveAttribute('id', `row-${newer}`)
  await page.keyboard.press('j')
  await expect(current).toHaveAttribute('id', `row-${older}`)
  await page.keyboard.press('k')
  await expect(current).toHaveAttribute('id', `row-${newer}`)
  await page.keyboard.press('x')
  await expect(page.getByText('1 selected')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByText('1 selected')).toHaveCount(0)
  await page.keyboard.press('r')
  await expect(page.getByText('1 selected')).toBeVisible()
  await page.keyboard.press('r')
  await expect(page.getByText('1 started again')).toBeVisible()
  await expect(page.getByRole('button', { name: /1 new/ })).toBeVisible()
  await page.keyboard.press('G')
  await expect(page.getByRole('button', { name: /1 new/ })).toHaveCount(0)
  await expect(page.locator('tbody tr').first()).not.toHaveAttribute('id', `row-${newer}`)
  await expect(current).toHaveAttribute('id', `row-${newer}`)
  await page.keyboard.press('Escape')
  await expect(current).toHaveCount(0)
  for (const key of ['f', '/']) {
    await page.keyboard.press(key)
    await expect(page.getByLabel('Text')).toBeFocused()
    await page.keyboard.press('Escape')
    await expect(page.getByLabel('Text')).not.toBeFocused()
  }
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await expect(badge(page)).toBeVisible()
  await page.keyboard.press('g')
  await page.keyboard.press('w')
  await expect(page.getByRole('heading', { name: 'Workflows', level: 1 })).toBeVisible()
})

test('the palette finds a workflow by its name and an execution by its whole id', async ({
  page,
  headway,
}) => {
  const id = await headway.run('broken')
  await headway.run('paced', { ticks: 1, pause_s: 0.1 })
  await page.goto('/approvals')
  await expect(page.getByRole('heading', { name: 'Approvals', level: 1 })).toBeVisible()
  for (const text of [id, id.toLowerCase()]) {
    await page.keyboard.press('Control+k')
    await page.getByRole('textbox', { name: 'Search' }).fill(text)
    await page
      .getByRole('dialog')
      .getByRole('button', { name: new RegExp(id.slice(-8)) })
      .click()
    await expect(page).toHaveURL(new RegExp(`/executions/${id}`))
    await page.goto('/approvals')
    await expect(page.getByRole('heading', { name: 'Approvals', level: 1 })).toBeVisible()
  }
  await page.route('**/api/executions?*', route => route.fulfill({ status: 503, body: '' }))
  await page.keyboard.press('Control+k')
  await page.getByRole('textbox', { name: 'Search' }).fill('zzzz')
  await expect(page.getByRole('dialog')).toContainText('Executions could not be searched')
})

const REFUSALS = [
  { status: 403, code: 'forbidden', title: 'No access' },
  { status: 404, code: 'execution_not_found', title: 'Not here' },
  { status: 500, code: 'internal', title: 'The server could not answer' },
  { status: 503, code: 'journal_unavailable', title: 'The server could not answer' },
]

for (const colorScheme of ['light', 'dark'] as const) {
  test(`a page that cannot be shown says which, why and which request, in ${colorScheme}`, async ({
    page,
    headway,
    context,
  }) => {
    test.setTimeout(120_000)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.emulateMedia({ colorScheme })
    const id = await headway.run('paced', { ticks: 1, pause_s: 0.1 })
    const pages = [
      { path: `/executions/${id}`, asks: `**/api/executions/${id}`, what: `Execution ${id}` },
      { path: '/executions', asks: '**/api/executions?*', what: 'List of executions' },
      { path: '/workflows/paced', asks: '**/api/workflows/paced', what: 'Workflow paced' },
      { path: '/approvals', asks: '**/api/approvals?*', what: 'Open questions' },
      { path: '/', asks: '**/api/workflows', what: 'All workflows' },
    ]
    for (const [index, { path, asks, what }] of pages.entries()) {
      const refusal = REFUSALS[index % REFUSALS.length]
      if (!refusal) continue
      const { status, code, title } = refusal
      const body = JSON.stringify({ code, status, detail: 'It is so.', request_id: 'edge-7' })
      await page.route(asks, route =>
        route.fulfill({ status, contentType: 'application/problem+json', body }),
      )
      await page.goto(path)
      const problem = page.getByRole('alert').filter({ hasText: title })
      await expect(problem).toContainText(`${what}: It is so.`)
      await expect(problem).toContainText(`HTTP ${status}`)
      await problem.getByRole('button', { name: 'Copy request id' }).click()
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('edge-7')
      await expectReadable(page, path)
      await page.setViewportSize(PHONE)
      await expectToFit(page, path)
      await page.screenshot({ path: test.info().outputPath(`problem-${index}.png`) })
      await page.setViewportSize({ width: 1280, height: 800 })
      await page.unroute(asks)
      // What the server has refused for good is asked again by the button alone, all else by itself.
      if (status === 403) await problem.getByRole('button', { name: 'Try again' }).click()
      await expect(page.getByRole('alert')).toHaveCount(0)
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    }
  })
}

test('an error stands still while the page asks again, and ends by itself', async ({ page }) => {
  const body = JSON.stringify({ code: 'journal_unavailable', detail: 'The disk is full.', request_id: 'r-1' })
  let asked = 0
  await page.route('**/api/executions?*', async route => {
    asked += 1
    await new Promise(done => setTimeout(done, 300))
    await route.fulfill({ status: 503, contentType: 'application/problem+json', body })
  })
  await page.goto('/executions')
  await expect(page.getByRole('alert')).toContainText('The disk is full.')
  // A mark on the element itself: another one in its place would not bear it.
  await page.getByRole('alert').evaluate(element => element.setAttribute('data-mark', ''))
  const before = asked
  await expect.poll(() => asked, { timeout: 40_000 }).toBeGreaterThan(before + 1)
  await expect(page.locator('[data-mark]')).toBeVisible()
  await page.unroute('**/api/executions?*')
  await expect(page.getByRole('alert')).toHaveCount(0, { timeout: 20_000 })
})

test('workflows are narrowed by name, in the address; rates and last runs lead on', async ({
  page,
  headway,
}) => {
  const failed = await headway.run('broken')
  await ended(headway, failed)
  await page.goto('/')
  await expect(page.getByRole('link', { name: 'Paced', exact: true })).toBeVisible()
  await page.keyboard.press('/')
  await page.keyboard.type('missing  KEY')
  await expect(page.getByRole('link', { name: 'Paced', exact: true })).toHaveCount(0)
  expect(search(page)).toBe('?q=missing++KEY')
  await page.reload()
  await expect(page.getByLabel('Filter workflows')).toHaveValue('missing  KEY')
  const line = page.getByRole('row').filter({ hasText: 'Broken' })
  await line.getByRole('link', { name: 'Last run, failed' }).click()
  await expect(page).toHaveURL(new RegExp(`/executions/${failed}`))
  await page.goBack()
  await line.getByRole('link', { name: '0 % succeed: show what failed' }).click()
  await expect(row(page, failed)).toBeVisible()
  expect(search(page)).toBe('?workflow=broken&status=failed')
  await page.goto('/?q=no+such+workflow')
  await page.getByRole('button', { name: 'Show all workflows' }).click()
  await expect(page.getByRole('link', { name: 'Paced', exact: true })).toBeVisible()
  await expect(page.getByLabel('Filter workflows')).toHaveValue('')
})
