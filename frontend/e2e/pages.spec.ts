/** Every page in both themes: no serious accessibility finding, nothing wider than a phone, no console error. */

import { badge, expect, test } from './support/fixtures'
import { expectReadable, expectToFit } from './support/readable'

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme })

    test('lists, form, execution and errors have no serious accessibility finding', async ({
      page,
      headway,
    }) => {
      test.setTimeout(90_000)
      const done = await headway.run('paced', { ticks: 3, pause_s: 0.1 })
      const failed = await headway.run('broken')
      await headway.eventually(async () => (await headway.isClosed(done)) && (await headway.isClosed(failed)))
      const running = await headway.run('paced', { ticks: 300, pause_s: 0.2 })

      await page.goto('/')
      await expect(
        page.getByRole('link', { name: 'Audit this Python environment', exact: true }),
      ).toBeVisible()
      await expectReadable(page)
      await page.goto('/workflows/audit_environment')
      await expect(page.getByRole('button', { name: 'Run', exact: true })).toBeVisible()
      await expectReadable(page)
      await page.goto('/executions')
      await expect(page.getByText('failed').first()).toBeVisible()
      await expectReadable(page)
      for (const [id, status] of [
        [running, 'running'],
        [done, 'completed'],
        [failed, 'failed'],
      ] as const) {
        await page.goto(`/executions/${id}`)
        await expect(badge(page)).toHaveText(status)
        await expectReadable(page)
      }
      await page.goto('/executions/01ARZ3NDEKTSV4RRFFQ69G5FAV')
      await expect(page.getByText(/no execution|not found/i).first()).toBeVisible()
      await expectReadable(page)
      await fetch(`${headway.url}/api/executions/${running}/cancel`, { method: 'POST' })
    })
  })
}

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 } })

  test('no page is wider than the screen', async ({ page, headway }) => {
    const id = await headway.run('paced', { ticks: 3, pause_s: 0.1 })
    await headway.eventually(() => headway.isClosed(id))
    for (const path of ['/', '/workflows/paced', '/executions', `/executions/${id}`]) {
      await page.goto(path)
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
      await expectToFit(page, path)
    }
  })
})

test('keyboard alone runs a workflow and cancels it', async ({ page }) => {
  await page.goto('/workflows/endless')
  const run = page.getByRole('button', { name: 'Run', exact: true })
  await expect(run).toBeEnabled()
  for (
    let presses = 0;
    presses < 30 && !(await run.evaluate(button => button === document.activeElement));
    presses++
  )
    await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(badge(page)).toHaveText('running')

  const cancel = page.getByRole('button', { name: 'Cancel' })
  for (
    let presses = 0;
    presses < 30 && !(await cancel.evaluate(button => button === document.activeElement));
    presses++
  )
    await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(badge(page)).toHaveText('cancelled', { timeout: 10_000 })
})
