/** The log of an execution: searched, filtered, linked and read by keyboard, on every width. */

import type { Page } from '@playwright/test'
import { badge, expect, test } from './support/fixtures'

const search = (page: Page) => page.getByLabel('Search the log')
const level = (page: Page) => page.getByLabel('Lowest level shown')
const frame = (page: Page) => page.locator('.headway-log__frame')

/** The frame of the lines does not move while `act` changes what is shown. */
async function expectStill(page: Page, act: () => Promise<void>): Promise<void> {
  const before = await frame(page).evaluate(element => element.getBoundingClientRect().top + scrollY)
  await act()
  const after = await frame(page).evaluate(element => element.getBoundingClientRect().top + scrollY)
  expect(after).toBe(before)
}

for (const width of [1280, 1600, 390])
  test(`the search box keeps its width while it counts, at ${width} px`, async ({ page, headway }) => {
    const id = await headway.run('spoken')
    await page.setViewportSize({ width, height: 800 })
    await page.goto(`/executions/${id}`)
    await expect(badge(page)).toHaveText('completed', { timeout: 20_000 })

    await search(page).fill('slow')
    await page.keyboard.press('Enter')
    await expect(page.locator('.headway-log__hits')).toHaveText(/^\d+ of 200$/)
    expect((await search(page).boundingBox())?.width).toBeGreaterThan(72)
    await search(page).fill('spoke 150')
    await expect(page.locator('.headway-log__hits')).toHaveText('1')
  })

for (const width of [1280, 390])
  test(`no filter moves the lines, at ${width} px`, async ({ page, headway }) => {
    const id = await headway.run('spoken')
    await page.setViewportSize({ width, height: 800 })
    await page.goto(`/executions/${id}?view=steps`)
    await expect(badge(page)).toHaveText('completed', { timeout: 20_000 })

    await expectStill(page, async () => {
      await level(page).selectOption({ label: 'Warning and up' })
      await expect(page.getByText('400 of 1,000 lines')).toBeVisible()
    })
    await expectStill(page, async () => {
      await search(page).fill('slow')
      await page.getByRole('button', { name: 'Only lines that match' }).click()
      await expect(page.getByText('200 of 1,000 lines')).toBeVisible()
    })
    await page.getByRole('button', { name: 'Show all' }).click()
    await expect(level(page)).toHaveValue('0')
  })

test('the log says which step it shows alone, and goes back to all of them', async ({ page, headway }) => {
  const id = await headway.run('spoken')
  await page.goto(`/executions/${id}?step=speak%2312`)
  await expect(badge(page)).toHaveText('completed', { timeout: 20_000 })
  const log = page.getByRole('region', { name: 'Log', exact: true })
  await expect(log.getByText('5 of 1,000 lines')).toBeVisible()
  await expect(log.locator('.headway-log__chip')).toHaveText('of step speak#12')

  await expectStill(page, () => log.getByRole('button', { name: 'Show the lines of all steps' }).click())

  await expect(log.getByText('1,000 lines', { exact: true })).toBeVisible()
  await expect(page).not.toHaveURL(/step=/)
})

test('on a phone the level of a line is a letter to the eye, and a word to a screen reader', async ({
  page,
  headway,
}) => {
  const id = await headway.run('spoken', { times: 3 })
  await page.setViewportSize({ width: 390, height: 800 })
  await page.goto(`/executions/${id}`)
  await expect(badge(page)).toHaveText('completed', { timeout: 20_000 })

  const row = page.locator('.headway-log__row', { hasText: 'slow 1' })
  await expect(row).toContainText('WARNING')
  const { width, letter } = await row.locator('.headway-log__level').evaluate(cell => {
    const first = document.createRange()
    first.setStart(cell.firstChild as Node, 0)
    first.setEnd(cell.firstChild as Node, 1)
    return { width: cell.clientWidth, letter: first.getBoundingClientRect().width }
  })
  expect(Math.abs(width - letter)).toBeLessThan(1)
})
