/** The run form of the application on an input of every kind, against the real server and its policy. */

import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { badge, executionIdOf, expect, test } from './support/fixtures'
import type { Headway } from './support/headway'

const PATH = '/workflows/load_rows'
const runButton = (page: Page) => page.getByRole('button', { name: 'Run', exact: true })

async function inputOf(headway: Headway, executionId: string): Promise<unknown> {
  const answer = await headway.get(`api/executions/${executionId}`)
  return (answer?.['execution'] as { input: unknown } | undefined)?.input
}

async function add(page: Page, to: string): Promise<void> {
  await page.getByRole('button', { name: `Add to ${to}` }).click()
}

/** A choice, a list of objects, a map, an optional object, a date. */
async function fillIn(page: Page): Promise<void> {
  await page.getByRole('combobox', { name: 'Source' }).selectOption('Table source')
  await page.getByLabel(/^Url/).fill('postgres://db')
  await page.getByLabel('Tables').fill('orders\nitems')
  for (const [index, name] of ['sku', 'sold'].entries()) {
    await add(page, 'Columns')
    await page
      .getByLabel(/^Name \*/)
      .nth(index)
      .fill(name)
  }
  await page.getByLabel('Type').nth(1).selectOption('date')
  await page.getByRole('button', { name: 'Move 2 up' }).click()
  await add(page, 'Limits')
  await page.getByLabel('Name in Limits').fill('seconds')
  await page.getByLabel('Value of seconds').fill('1.5')
  await page.getByRole('combobox', { name: 'Notice' }).selectOption('Notice')
  await page.getByLabel(/^To/).fill('ann')
  await page.getByLabel('Since').fill('2026-11-22')
}

const FILLED = {
  source: { kind: 'table', url: 'postgres://db', tables: ['orders', 'items'] },
  columns: [
    { name: 'sold', type: 'date' },
    { name: 'sku', type: 'text' },
  ],
  limits: { seconds: 1.5 },
  notice: { to: 'ann', on_success: false },
  since: '2026-11-22',
  ...{ batch: 500, rows: 'all', dry_run: false },
}

test('what the form says is what the workflow gets, and fills the next one', async ({ page, headway }) => {
  await page.goto(PATH)
  await fillIn(page)
  await page.getByLabel(/^Url/).press('Control+Enter')
  await expect(badge(page)).toHaveText('completed')
  expect(await inputOf(headway, executionIdOf(page))).toEqual(FILLED)

  await page.getByRole('button', { name: 'Change input' }).click()
  await expect(page.getByRole('combobox', { name: 'Source' })).toBeFocused()
  await page.getByLabel('Value of seconds').fill('3')
  await page.getByRole('button', { name: 'Run again', exact: true }).last().click()
  await expect(page.getByText(/again after/)).toBeVisible()
  await expect(badge(page)).toHaveText('completed')
  expect(await inputOf(headway, executionIdOf(page))).toEqual({ ...FILLED, limits: { seconds: 3 } })

  await page.goto(PATH)
  await page.getByRole('button', { name: 'Last run' }).click()
  await expect(page.getByLabel('Value of seconds')).toHaveValue('3')
  await page.getByRole('button', { name: 'JSON' }).click()
  expect(JSON.parse(await page.getByLabel('Input as JSON').inputValue())).toEqual({
    ...FILLED,
    limits: { seconds: 3 },
  })
})

test('what is wrong stands at its field, from the page and from the server', async ({ page }) => {
  await page.goto(PATH)
  await runButton(page).click()
  const path = page.getByLabel(/^Path/)
  await expect(path).toBeFocused()
  await expect(path).toHaveAccessibleDescription('Where it lies on the server. is required')
  await path.fill('x.csv')
  await add(page, 'Columns')
  await page.getByLabel(/^Name \*/).fill('sku')
  await add(page, 'Labels')
  await page.getByLabel('Name in Labels').fill('team')
  await page.getByLabel('Value of team').fill('data')
  await page.route('**/api/workflows/load_rows/executions', route =>
    route.fulfill({
      status: 422,
      contentType: 'application/problem+json',
      body: JSON.stringify({
        code: 'invalid_input',
        detail: 'No.',
        errors: [
          { field: 'labels.team', message: 'is nobody' },
          { field: 'columns[0].name', message: 'is taken' },
          { field: 'colour', message: 'is not a field of this input' },
        ],
      }),
    }),
  )
  await runButton(page).click()
  await expect(page.getByLabel(/^Name \*/)).toBeFocused()
  await expect(page.getByLabel(/^Name \*/)).toHaveAccessibleDescription('is taken')
  await expect(page.getByLabel('Value of team')).toHaveAccessibleDescription('is nobody')
  await expect(page.getByRole('alert')).toHaveText('colour: is not a field of this input')
})

test('what only the server finds wrong stands at its field as well', async ({ page }) => {
  await page.goto(PATH)
  await page.getByLabel(/^Path/).fill('x.csv')
  await page.getByLabel('Extra').fill('[1]')
  await runButton(page).click()
  const extra = page.getByLabel('Extra')
  await expect(extra).toBeFocused()
  await expect(extra).toHaveAccessibleDescription(/\[1\] is not/)
  await extra.fill('{"a": 1}')
  await expect(extra).toHaveAccessibleDescription('')
})

test('keyboard alone fills it in', async ({ page, headway }) => {
  await page.goto(PATH)
  const at = () =>
    page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id)
  const tabTo = async (label: RegExp) => {
    const control = page.getByLabel(label).first()
    for (let presses = 0; presses < 40; presses++) {
      if (await control.evaluate(element => element === document.activeElement)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`${label} was not reached; the focus is at ${await at()}`)
  }
  await expect(runButton(page)).toBeEnabled()
  await tabTo(/^Path/)
  await page.keyboard.type('x.csv')
  await tabTo(/^Add to Columns/)
  await page.keyboard.press('Enter')
  await expect(page.getByLabel(/^Name \*/)).toBeFocused()
  await page.keyboard.type('sku')
  await page.keyboard.press('Control+Enter')
  await expect(badge(page)).toHaveText('completed')
  expect(await inputOf(headway, executionIdOf(page))).toMatchObject({ columns: [{ name: 'sku' }] })
})

test('its place is kept until it is there', async ({ page }) => {
  let release = () => {}
  const held = new Promise<void>(done => {
    release = done
  })
  await page.route(/assets\/SchemaForms-.*\.js/, async route => {
    await held
    await route.continue()
  })
  await page.goto('/workflows/release')
  await expect(page.getByRole('status', { name: 'Loading' })).toBeVisible()
  await page.evaluate(() => {
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) {
        const { value } = entry as PerformanceEntry & { value: number }
        document.body.dataset['shift'] = String(Number(document.body.dataset['shift'] ?? 0) + value)
      }
    }).observe({ type: 'layout-shift' })
  })
  const height = () => page.locator('.headway-run').evaluate(card => card.getBoundingClientRect().height)
  const before = await height()
  release()
  await expect(runButton(page)).toBeVisible()
  expect(Math.abs((await height()) - before)).toBeLessThan(4)
  expect(await page.evaluate(() => Number(document.body.dataset['shift'] ?? 0))).toBeLessThan(0.02)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`in ${colorScheme} nothing is hard to read, nor wider than a phone`, async ({ page }) => {
    await page.emulateMedia({ colorScheme })
    await page.goto(PATH)
    await fillIn(page)
    await page.getByLabel('Width').first().fill('wide')
    await page.getByRole('combobox', { name: 'Rows' }).selectOption('Whole number')
    await add(page, 'Labels')
    await runButton(page).click()
    await expect(page.getByLabel('Width').first()).toBeFocused()
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 })
      const { violations } = await new AxeBuilder({ page }).analyze()
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ')}`)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    }
  })
}
