/** From the form to the result, over a reload and a cut connection: the page ends with the journal's log. */

import { badge, executionIdOf, expect, expectLogOfJournal, test } from './support/fixtures'

test('an example runs from the form to the result, over a reload and a cut connection', async ({
  page,
  link,
  headway,
}) => {
  test.setTimeout(120_000)
  await page.goto('/')
  await page.getByRole('link', { name: 'Audit this Python environment', exact: true }).click()
  await page.getByLabel('Limit').fill('12')
  await page.getByLabel('Standard library').uncheck()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect(badge(page)).toHaveText(/running|queued/)
  await page.waitForURL(/executions\//)
  const id = executionIdOf(page)

  await page.reload()
  await expect(badge(page)).toHaveText(/running|completed/)
  expect(link.cut()).toBeGreaterThan(0)

  await expect(badge(page)).toHaveText('completed', { timeout: 90_000 })
  await expect(page.getByText(/complete: [\d,.]+ of [\d,.]+ events/)).toBeVisible()
  await expect(page.getByRole('region', { name: 'Result' })).toContainText('audit.html')
  await expectLogOfJournal(page, headway, id)
})

test('connections cut again and again lose and repeat nothing', async ({ page, link, headway }) => {
  const id = await headway.run('paced', { ticks: 25, pause_s: 0.2 })
  await page.goto(`/executions/${id}`)
  await expect(badge(page)).toHaveText('running')
  for (let round = 0; round < 4; round++) {
    await page.waitForTimeout(500) // lets events pass between two cuts
    link.cut()
  }

  await expect(badge(page)).toHaveText('completed', { timeout: 30_000 })
  await expectLogOfJournal(page, headway, id)
})

test('a page that was offline says so and catches up', async ({ page, link, headway }) => {
  const id = await headway.run('paced', { ticks: 20, pause_s: 0.2 })
  await page.goto(`/executions/${id}`)
  const monitor = page.locator('.headway-monitor')
  await expect(monitor.getByText('live', { exact: true })).toBeVisible()

  link.block()
  await expect(monitor.getByText(/reconnecting/)).toBeVisible({ timeout: 15_000 })
  link.restore()

  await expect(badge(page)).toHaveText('completed', { timeout: 40_000 })
  await expectLogOfJournal(page, headway, id)
})

test('a server killed in mid-stream comes back, and the page with it', async ({ page, headway }) => {
  const id = await headway.run('paced', { ticks: 20, pause_s: 0.2 })
  await page.goto(`/executions/${id}`)
  await expect(badge(page)).toHaveText('running')

  headway.kill('headway.server')

  await expect(badge(page)).toHaveText('completed', { timeout: 40_000 })
  await expectLogOfJournal(page, headway, id)
})

test('a worker killed in mid-run is replaced, and the log goes on in the same execution', async ({
  page,
  headway,
}) => {
  const id = await headway.run('paced', { ticks: 30, pause_s: 0.2 })
  await page.goto(`/executions/${id}`)
  await expect(page.getByText(/tick [3-9] line \d/).first()).toBeVisible()

  headway.kill('headway.worker')

  await expect(badge(page)).toHaveText('completed', { timeout: 40_000 })
  await expect(page.getByText('attempt 2')).toBeVisible()
  await expectLogOfJournal(page, headway, id)
})

test('a second tab, and one that comes after the end, show the same', async ({ page, context, headway }) => {
  const id = await headway.run('paced', { ticks: 30, pause_s: 0.2 })
  await page.goto(`/executions/${id}`)
  await expect(page.getByText(/tick \d+ line 0/).first()).toBeVisible()
  const second = await context.newPage()
  await second.goto(`/executions/${id}`)
  for (const tab of [page, second]) await expect(badge(tab)).toHaveText('completed', { timeout: 20_000 })
  const late = await context.newPage()
  await late.goto(`/executions/${id}`)
  await expect(badge(late)).toHaveText('completed')

  for (const tab of [page, second, late]) await expectLogOfJournal(tab, headway, id)
})
