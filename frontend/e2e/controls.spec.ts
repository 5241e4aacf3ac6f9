/** What a person does to an execution, and what the page says when it goes wrong. */

import { readFileSync, writeFileSync } from 'node:fs'
import { badge, executionIdOf, expect, test } from './support/fixtures'

test('cancel stops a step in its middle', async ({ page, headway }) => {
  const id = await headway.run('endless')
  await page.goto(`/executions/${id}`)
  await expect(page.getByRole('log').getByText('waiting', { exact: true })).toBeVisible()

  await page.getByRole('button', { name: 'Cancel' }).click()

  await expect(badge(page)).toHaveText('cancelled', { timeout: 10_000 })
  expect(await headway.isClosed(id)).toBe(true)
})

test('a cancel that its worker does not hear is forced, by the keys alone', async ({ page, headway }) => {
  test.setTimeout(90_000)
  const id = await headway.run('stuck')
  await page.goto(`/executions/${id}`)
  await expect(page.locator('.headway-monitor').getByText('spin', { exact: true }).first()).toBeVisible()
  await page.keyboard.press('c')
  await page.keyboard.press('c')
  await expect(page.getByRole('button', { name: 'Cancelling…' })).toBeDisabled()

  await expect(page.getByRole('button', { name: 'Force…' })).toBeVisible({ timeout: 15_000 })
  await page.keyboard.press('c')
  await page.keyboard.press('c')
  const dialog = page.getByRole('alertdialog', { name: 'Force the cancel' })
  await expect(dialog).toContainText('Ends the worker process at once.')
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await page.keyboard.press('c')
  await expect(page.getByRole('button', { name: 'Force', exact: true })).toBeFocused()
  await page.keyboard.press('Enter')

  await expect(badge(page)).toHaveText('cancelled', { timeout: 20_000 })
  await page.getByText('2 requests, done').click()
  await expect(page.locator('.headway-receipt', { hasText: 'forced' })).toContainText('effective')
})

test('a failure shows its error, its step and its traceback', async ({ page, headway }) => {
  const id = await headway.run('broken')
  await page.goto(`/executions/${id}`)

  await expect(badge(page)).toHaveText('failed')
  const panel = page.getByRole('region', { name: 'Error' })
  await expect(panel).toContainText("KeyError: 'sku'")
  await expect(panel).toContainText('load')
  await panel.getByText('Traceback', { exact: true }).click()
  await expect(panel).toContainText('return row["sku"]')
})

test('one button runs it again with the same input', async ({ page, headway }) => {
  const id = await headway.run('paced', { ticks: 2, pause_s: 0.1 })
  await page.goto(`/executions/${id}`)
  await expect(badge(page)).toHaveText('completed', { timeout: 10_000 })

  await page.getByRole('button', { name: 'Run again' }).click()

  await expect(page).not.toHaveURL(new RegExp(id))
  await expect(badge(page)).toHaveText('completed', { timeout: 10_000 })
  const found = (await headway.get(`api/executions/${executionIdOf(page)}`)) as {
    execution: { retry_of: string; input: unknown }
  }
  expect(found.execution.retry_of).toBe(id)
  expect(found.execution.input).toEqual({ ticks: 2, pause_s: 0.1 })
})

test('input that does not fit is refused at its field, and the field has the focus', async ({ page }) => {
  await page.goto('/workflows/paced')
  const ticks = page.getByLabel('Ticks')
  await ticks.fill('many')
  await page.getByRole('button', { name: 'Run', exact: true }).click()

  await expect(ticks).toBeFocused()
  await expect(ticks).toHaveAttribute('aria-invalid', 'true')
})

test('a saved file is used by the next run; an import error is shown with its traceback', async ({
  page,
  headway,
}) => {
  const original = readFileSync(headway.flows, 'utf8')
  try {
    writeFileSync(headway.flows, original.replace('Log five lines a tick.', 'Log a few lines a tick.'))
    await page.goto('/workflows/paced')
    await expect(page.getByText('Log a few lines a tick.')).toBeVisible({ timeout: 15_000 })

    writeFileSync(headway.flows, `${original}\nimport nowhere_to_be_found\n`)
    await expect(page.getByText("No module named 'nowhere_to_be_found'").first()).toBeVisible({
      timeout: 15_000,
    })
  } finally {
    writeFileSync(headway.flows, original)
  }
  await expect(page.getByText("No module named 'nowhere_to_be_found'")).toHaveCount(0, { timeout: 15_000 })
})

test('the log is filtered by text and level, and downloads whole', async ({ page, headway }) => {
  const id = await headway.run('paced', { ticks: 4, pause_s: 0.1 })
  await page.goto(`/executions/${id}`)
  await expect(badge(page)).toHaveText('completed', { timeout: 10_000 })

  await page.getByLabel('Search the log').fill('tick 3')
  await page.getByRole('button', { name: 'Only lines that match' }).click()
  await expect(page.getByText('5 of 20')).toBeVisible()
  await page.getByLabel('Search the log').fill('')
  await page.getByLabel('Lowest level shown').selectOption({ label: 'Warning and up' })
  await expect(page.getByText('No line matches the filter.')).toBeVisible()

  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download the log' }).click()
  const text = readFileSync(await (await download).path(), 'utf8')
  for (const line of await headway.journalLog(id)) expect(text).toContain(line)
})

test('a log of 100,000 lines stays usable', async ({ page, headway }) => {
  test.setTimeout(90_000)
  const id = await headway.run('noisy', { lines: 100_000 })
  await page.goto(`/executions/${id}`)
  await expect(badge(page)).toHaveText('completed', { timeout: 60_000 })

  const log = page.getByRole('log')
  await expect(log.getByText('line 99999 of 100000')).toBeVisible()
  await log.focus()
  await page.keyboard.press('Home')
  await expect(log.getByText('line 0 of 100000')).toBeVisible()
  await page.getByLabel('Search the log').fill('line 77777 of')
  await expect(page.locator('.headway-log__hits')).toHaveText('1')
  await page.keyboard.press('Enter')
  await expect(log.getByText('line 77777 of 100000')).toBeVisible()
  await page.getByRole('button', { name: 'Only lines that match' }).click()
  await expect(page.getByText('1 of 100,000')).toBeVisible()
})
