/** The page of one execution: views of its steps, the step that is selected in all of them, failures, events. */

import type { Page } from '@playwright/test'
import { badge, expect, test } from './support/fixtures'
import { Headway } from './support/headway'
import { expectToFit } from './support/readable'

const tab = (page: Page, name: string) => page.getByRole('tab', { name: new RegExp(`^${name}`) })
const row = (page: Page, name: RegExp) => page.getByRole('treeitem', { name })
const box = (page: Page, name: RegExp) =>
  page.getByRole('region', { name: 'Graph' }).getByRole('button', { name })

test('a failed fan-out opens on its failure, and leads from there to the step', async ({ page, headway }) => {
  const id = await headway.run('nightly')
  await page.goto(`/executions/${id}?view=timeline`)
  await expect(badge(page)).toHaveText('failed', { timeout: 20_000 })

  const panel = page.getByRole('region', { name: 'Error' })
  await expect(panel).toContainText('Failed in load_chunk after 2 tries')
  await expect(panel).toContainText('RuntimeError: row 4,112 is broken')
  await expect(panel).toContainText(/caused by ValueError: invalid literal.* at flows\.py:\d+ in load_chunk/)
  await panel.getByText('Traceback', { exact: true }).click()
  await expect(panel).toContainText('raise RuntimeError("row 4,112 is broken") from error')
  await panel.getByText('Step input', { exact: true }).click()
  await expect(panel.locator('pre').filter({ hasText: '"number": 7' })).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Copy input' })).toBeVisible()
  await panel.getByText('Its last 2 log lines').click()
  await expect(panel).toContainText('loading chunk 7')

  await expect(row(page, /^load_chunk, failed, .* of 20 done, 1 failed/)).toBeVisible()
  await panel.getByRole('button', { name: /^load_chunk#\d+$/ }).click()
  const chosen = page.getByRole('treeitem', { selected: true })
  await expect(chosen).toHaveAccessibleName(/^#\d+, failed, try 2, .*RuntimeError/)
  await expect(page).toHaveURL(/step=load_chunk%23\d/)
})

test('an execution that had failed is opened at what failed, until the reader goes elsewhere', async ({
  page,
  headway,
}) => {
  const id = await headway.run('nightly')
  await headway.eventually(() => headway.isClosed(id))
  await page.goto(`/executions/${id}?view=timeline`)
  const chosen = page.getByRole('treeitem', { selected: true })
  await expect(chosen).toHaveAccessibleName(/^#\d+, failed, try 2, .*RuntimeError/)
  await expect(page.getByRole('log')).toContainText(/load_chunk#\d+ failed: RuntimeError/)
  await expect(page).not.toHaveURL(/step=|#L/)
  await page.keyboard.press('Escape')
  await expect(chosen).toHaveCount(0)

  await tab(page, 'Events').click()
  await page.getByRole('button', { name: /^Open log at L\d+$/ }).click()
  await expect(page).toHaveURL(/tab=log#L\d+$/)
  await expect(tab(page, 'Log')).toHaveAttribute('aria-selected', 'true')
  await expect(page.getByRole('log')).toContainText(/load_chunk#\d+ failed: RuntimeError/)
})

test('one step is selected in every view, stands in the address, and is cleared by Esc', async ({
  page,
  headway,
}) => {
  const id = await headway.run('nightly')
  await page.goto(`/executions/${id}`)
  await expect(badge(page)).toHaveText('failed', { timeout: 20_000 })

  await row(page, /^fetch, completed/).click()
  const details = page.getByRole('region', { name: 'Selected step: fetch' })
  await expect(details).toContainText('20 of 20')
  await page.keyboard.press('2')
  await expect(page).toHaveURL(/view=graph/)
  await expect(box(page, /^fetch, completed/)).toHaveAttribute('aria-pressed', 'true')
  await box(page, /^fetch, completed/).focus()
  await page.keyboard.press('ArrowDown') // the pane is narrow: the graph goes downwards
  await expect(box(page, /^load_chunk, failed/)).toBeFocused()
  await expect(page).toHaveURL(/step=load_chunk/)

  await page.reload()
  await expect(box(page, /^load_chunk, failed/)).toHaveAttribute('aria-pressed', 'true')
  await page.keyboard.press('3')
  await expect(page.getByRole('button', { name: 'load_chunk', exact: true })).toHaveAttribute(
    'aria-pressed',
    'true',
  )
  await page.keyboard.press('Escape')
  await expect(page.getByRole('region', { name: /^Selected step/ })).toHaveCount(0)
  await expect(page).not.toHaveURL(/step=/)
})

test('keys select what a step is part of, and open the tree to a level', async ({ page, headway }) => {
  const id = await headway.run('nightly')
  await headway.eventually(() => headway.isClosed(id))
  await page.goto(`/executions/${id}?view=timeline&step=load_chunk%238`)
  await expect(badge(page)).toHaveText('failed')
  const chosen = page.getByRole('treeitem', { selected: true })
  await expect(chosen).toHaveAccessibleName(/^#8, /)
  await page.keyboard.press('p')
  await expect(chosen).toHaveAccessibleName(/^load_chunk, failed/)
  await expect(page).toHaveURL(/step=load_chunk%5B%5D/)
  await page.keyboard.press('p') // it is part of nothing
  await expect(chosen).toHaveAccessibleName(/^load_chunk, failed/)

  await page.goto(`/executions/${id}?view=timeline&step=load_chunk%238`)
  await expect(page.getByRole('button', { name: 'in load_chunk', exact: true })).toBeVisible()
  await page.keyboard.press('t')
  await expect(chosen).toHaveAccessibleName(/^load_chunk, failed/)

  const items = page.getByRole('treeitem', { name: /^#\d+, / })
  await page.getByRole('tree').focus()
  await page.keyboard.press('Shift+Digit0')
  await expect(items).toHaveCount(0)
  await page.keyboard.press('Shift+Digit1')
  await expect(items.first()).toBeVisible()
  await page.keyboard.press('3') // a pane, as before
  await expect(tab(page, 'Steps')).toHaveAttribute('aria-selected', 'true')

  await page.keyboard.press('?')
  const sheet = page.getByRole('dialog', { name: 'Keys' })
  await expect(sheet).toContainText('Open so many levels')
  await expect(sheet).toContainText('Select the parent of the step, its root')
})

test('the graph shows the whole plan from the start, and opens a fan-out', async ({ page, headway }) => {
  const id = await headway.run('nightly')
  await page.goto(`/executions/${id}?view=graph&step=fetch%231`)
  await expect(box(page, /^report, not begun/)).toBeVisible()
  await expect(badge(page)).toHaveText('failed', { timeout: 20_000 })
  await expect(page.locator('.headway-graph__box')).toHaveCount(3)

  await page.getByRole('button', { name: 'Show the items of load_chunk' }).click()
  const failed = box(page, /^#\d+, failed/)
  await page.getByRole('region', { name: 'Graph' }).scrollIntoViewIfNeeded()
  await expect(failed).toBeInViewport({ ratio: 1 })
  // However many there are, they can be read.
  await expect.poll(async () => (await failed.boundingBox())?.width).toBeGreaterThan(100)
  await page.getByRole('button', { name: 'Hide the items of load_chunk' }).click()
  await expect(page.locator('.headway-graph__box')).toHaveCount(3)
})

test('what is queued says so, and shows its plan already', async ({ page }) => {
  test.setTimeout(90_000)
  const server = await Headway.start({ HEADWAY_CONCURRENCY: '1' })
  try {
    const first = await server.run('endless')
    const id = await server.run('nightly')
    await page.goto(`${server.url}/executions/${id}?view=graph`)
    await expect(box(page, /^report, not begun/)).toBeVisible()
    await expect(page).toHaveTitle(/^queued · nightly/)
    await expect(page.locator('.app-origin')).toHaveText(/^queued /)
    await expect(page.locator('.headway-progress')).toHaveText('0 of 3 steps')

    await page.request.post(`${server.url}/api/executions/${first}/cancel`, { data: {} })
    await expect(badge(page)).toHaveText('failed', { timeout: 20_000 })
    await expect(page.locator('.app-origin')).toHaveText(/^started /)
  } finally {
    await server.stop()
  }
})

test('a question is drawn while it waits, and what followed after it', async ({ page, headway }) => {
  const id = await headway.run('release')
  await page.goto(`/executions/${id}?view=timeline`)
  await expect(row(page, /^Publish build 7\?.*, running/)).toBeVisible({ timeout: 10_000 })
  await page.getByRole('button', { name: 'Reject' }).click()
  await expect(badge(page)).toHaveText('completed', { timeout: 10_000 })

  await expect(row(page, /^Publish build 7\?.*, skipped/)).toBeVisible()
  const bar = page.locator('.headway-timeline__bar[data-kind="approval"]')
  await expect(bar).toHaveAttribute('title', /question: skipped/)
})

test('every event opens to its JSON, input and output to their trees', async ({ page, headway }) => {
  const id = await headway.run('nightly', { pages: 20 })
  await page.goto(`/executions/${id}?tab=events`)
  await expect(badge(page)).toHaveText('failed', { timeout: 20_000 })
  const events = page.getByRole('region', { name: 'Events' })
  await events.getByRole('button', { name: /execution\.queued/ }).click()
  await expect(events.getByRole('list', { name: 'Event 1' })).toContainText('"execution.queued"')

  await tab(page, 'Output').click()
  await expect(page.getByRole('list', { name: 'Input' })).toContainText('pages: 20')
})

test('panes keep their size, view and tab over a visit', async ({ page, headway }) => {
  const id = await headway.run('staged')
  await page.goto(`/executions/${id}`)
  await tab(page, 'Graph').click()
  await tab(page, 'Events').click()
  const border = page.getByRole('separator', { name: 'Width of the steps' })
  await border.focus()
  for (let press = 0; press < 4; press++) await page.keyboard.press('ArrowRight')
  const width = await border.getAttribute('aria-valuenow')

  await page.goto(`/executions/${id}`)
  await expect(tab(page, 'Graph')).toHaveAttribute('aria-selected', 'true')
  await expect(tab(page, 'Events')).toHaveAttribute('aria-selected', 'true')
  await expect(border).toHaveAttribute('aria-valuenow', width ?? '')
})

test('on a phone nothing is wider than the screen', async ({ page, headway }) => {
  const id = await headway.run('nightly')
  await page.setViewportSize({ width: 390, height: 844 })
  for (const view of ['timeline', 'graph', 'steps']) {
    await page.goto(`/executions/${id}?view=${view}&step=fetch%231`)
    await expect(badge(page)).toHaveText('failed', { timeout: 20_000 })
    await expectToFit(page)
  }
})
