/** Headway in other people's pages: the examples, from the packages as they are published. */

import { join } from 'node:path'
import { FileServer, install, Mounted, npm } from './support/embedding'
import { expect, test } from './support/fixtures'
import { Headway } from './support/headway'

test.describe('in a page of another origin', () => {
  let files: FileServer
  let serve: (folder: string) => void
  let server: Headway

  test.beforeAll(async () => {
    test.setTimeout(120_000)
    ;({ files, serve } = await FileServer.start())
    server = await Headway.start({ HEADWAY_ALLOWED_ORIGINS: files.url })
  })
  test.afterAll(async () => {
    files.stop()
    await server.stop()
  })

  const address = (workflow: string) =>
    `${files.url}/?${new URLSearchParams({ server: `${server.url}/`, workflow })}`

  test('the element needs nothing else, and says when it is done', async ({ page }) => {
    serve(install('html'))
    await server.run('paced', { ticks: 10, pause_s: 0.2 })
    await page.goto(address('paced'))
    const element = page.locator('headway-execution')
    await expect(element.locator('.headway-badge').first()).toHaveText('running')
    await expect(element.getByRole('progressbar')).toBeVisible()
    await expect(page.locator('#outcome')).toHaveText('completed: 10', { timeout: 20_000 })
    await expect(element.getByRole('log')).toContainText('tick 9 line 4')
    await page.screenshot({ path: test.info().outputPath('element.png') })
  })

  test('a React application starts one and shows it', async ({ page }) => {
    test.setTimeout(120_000)
    const folder = install('react')
    npm(folder, 'run', 'build')
    serve(join(folder, 'dist'))
    await page.goto(address('paced'))
    await page.getByRole('button', { name: 'Make the report' }).click()
    await expect(page.locator('.headway-badge').first()).toHaveText('running')
    await expect(page.getByRole('status').filter({ hasText: 'The report completed: 30' })).toBeVisible({
      timeout: 30_000,
    })
    await page.screenshot({ path: test.info().outputPath('react.png') })
  })
})

test('an application mounts Headway under a path, behind its own login', async ({ page }) => {
  test.setTimeout(90_000)
  const mounted = await Mounted.start()
  try {
    await page.goto(`${mounted.url}/headway/`)
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('lovelace')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('link', { name: 'What runs here' }).click()
    await page.getByRole('link', { name: 'Quickstart', exact: true }).click({ timeout: 20_000 })
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await expect(page.locator('.headway-badge').first()).toHaveText('completed', { timeout: 20_000 })
    await page.reload()
    await expect(page.locator('.headway-badge').first()).toHaveText('completed', { timeout: 20_000 })
    expect(new URL(page.url()).pathname).toMatch(/^\/headway\//)
  } finally {
    await mounted.stop()
  }
})
