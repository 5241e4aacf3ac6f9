/** The log of an execution: searched, filtered, linked and read by keyboard, on every width. */

import { readFileSync } from 'node:fs'
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

  await expectStill(page, async () => {
    await log.getByRole('button', { name: 'Show the lines of all steps' }).click()
    await expect(log.getByText('1,000 lines', { exact: true })).toBeVisible()
  })
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

for (const [flow, width] of [
  ['spoken', 390],
  ['nightly', 390],
  ['nightly', 1280],
] as const)
  test(`a link to a line of ${flow} opens at the line, at ${width} px`, async ({ page, headway }) => {
    const id = await headway.run(flow)
    await page.setViewportSize({ width, height: 800 })
    await page.goto(`/executions/${id}`)
    await expect(badge(page)).toHaveText(/completed|failed/, { timeout: 20_000 })
    await page.getByRole('tab', { name: 'Events' }).click() // a link to a line goes before what is remembered
    await page.goto('about:blank')

    await page.goto(`/executions/${id}#L4-L5`)
    await expect(page.getByText(/complete: [\d,.]+ of [\d,.]+ events/)).toBeAttached()
    const row = page.locator('.headway-log__row[data-selected]').first()
    await expect(row).toBeInViewport()
    await expect(page.getByText('Lines 4–5', { exact: true })).toBeInViewport()
    await expect(page.locator('.headway-log__fresh')).toHaveCount(0)
  })

test('lines that come while the reader is elsewhere are counted, and stay so at the end', async ({
  page,
  headway,
}) => {
  const id = await headway.run('release')
  await page.goto(`/executions/${id}`)
  const log = page.getByRole('log')
  await expect(log.getByText('building 7')).toBeVisible()
  await page.getByLabel('Channel').selectOption('beta')
  await log.focus()
  await page.keyboard.press('Home')
  await expect(page.getByRole('button', { name: 'Follow' })).toHaveAttribute('aria-pressed', 'false')

  await page.getByRole('button', { name: 'Approve' }).click()

  await expect(badge(page)).toHaveText('completed')
  await page.getByRole('button', { name: '1 new line', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Follow' })).toHaveAttribute('aria-pressed', 'true')
})

for (const reducedMotion of ['no-preference', 'reduce'] as const)
  test(`a line that comes while the reader follows is tinted for a moment, with ${reducedMotion}`, async ({
    page,
    headway,
  }) => {
    await page.emulateMedia({ reducedMotion })
    const id = await headway.run('paced', { ticks: 60, pause_s: 2 })
    await page.goto(`/executions/${id}?tab=log`)
    await expect(page.locator('.headway-log__row:not([hidden])').first()).toContainText('tick 0 line 0')
    /** Numbers of the lines that were tinted over some seconds. */
    const tinted = await page.evaluate(async () => {
      const found = new Set<number>()
      const began = performance.now()
      while (performance.now() - began < 3_000) {
        await new Promise(requestAnimationFrame)
        for (const row of document.querySelectorAll<HTMLElement>('.headway-log__row:not([hidden])'))
          if (row.getAnimations().length > 0)
            found.add(Number(row.querySelector('.headway-log__number')?.textContent))
      }
      return [...found]
    })
    if (reducedMotion === 'reduce') expect(tinted).toEqual([])
    else {
      expect(tinted.length).toBeGreaterThan(3)
      expect(tinted).not.toContain(1) // it was there before
    }
    await page.request.post(`/api/executions/${id}/cancel`, { data: {} })
  })

test('the view is cleared and nothing is lost; a match is seen among its neighbours; a step is downloaded alone', async ({
  page,
  headway,
}) => {
  const id = await headway.run('spoken')
  await page.goto(`/executions/${id}?tab=log`)
  await expect(badge(page)).toHaveText('completed', { timeout: 20_000 })
  const menu = page.locator('.headway-log__menu > summary')
  await menu.click()
  await page.getByRole('button', { name: 'Clear the view' }).click()
  await expect(page.getByText('The view is cleared; new lines appear here.')).toBeVisible()
  await expect(page.getByRole('link', { name: 'Download these lines' })).toHaveCount(0) // there are none
  await page.getByRole('button', { name: 'Show the cleared lines again' }).click()
  await expect(page.getByText('1,000 lines', { exact: true })).toBeVisible()
  await page.keyboard.press('Escape')

  await search(page).fill('broken 77')
  await page.getByRole('button', { name: 'Only lines that match' }).click()
  await expect(page.getByText('1 of 1,000 lines')).toBeVisible()
  await page.locator('.headway-log__row:not([hidden]) .headway-log__text').first().click()
  await expect(page.locator('.headway-log__row', { hasText: 'slow 77' })).toBeVisible()
  await expect(page.locator('.headway-log__row[data-selected]')).toContainText('broken 77')
  await page.getByRole('button', { name: 'Back to the matches' }).click()
  await expect(page.getByText('1 of 1,000 lines')).toBeVisible()

  await page.goto(`/executions/${id}?tab=log&step=speak%2312`)
  await expect(page.getByText('5 of 1,000 lines')).toBeVisible()
  await menu.click()
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download these lines' }).click()
  const text = readFileSync(await (await download).path(), 'utf8')
  expect(text.trimEnd().split('\n')).toHaveLength(5)
  expect(text).toContain('broken 11')
})

test('times are told relative, local or in UTC everywhere, exactly where one points', async ({
  page,
  headway,
}) => {
  const id = await headway.run('spoken', { times: 3 })
  await page.goto(`/executions/${id}?tab=log&view=timeline`)
  await expect(badge(page)).toHaveText('completed', { timeout: 20_000 })
  const started = page.locator('.app-origin .headway-time')
  const ended = page.locator('.headway-monitor .headway-liveness')
  const line = page.locator('.headway-log__row:not([hidden]) .headway-log__time').first()
  await expect(started).toHaveText(/ago|just now/)
  await expect(started).toHaveAttribute('title', /\.\d{3}.*\n.*Z/)
  await started.click()
  await expect(started).toHaveText(/^\d\d:\d\d:\d\d$/)
  await started.click()
  await expect(started).toHaveText(/^\d\d:\d\d:\d\d UTC$/)
  await expect(ended).toHaveText(/^ended \d\d:\d\d:\d\d UTC$/)
  await expect(line).toHaveText(/^\d\d:\d\d:\d\dZ$/)
  await started.click()
  await expect(ended).toHaveText(/^ended \d\d:\d\d:\d\d$/)
  await expect(line).toHaveText(/^\d\d:\d\d:\d\d$/)

  const exact = /^from .*\.\d{3}.*\nto .*\.\d{3}/
  await expect(page.locator('.headway-progress__elapsed')).toHaveAttribute('title', exact)
  await expect(page.locator('.headway-timeline__took').first()).toHaveAttribute('title', exact)
})

test('an address holds what the log is searched and filtered by', async ({ page, headway }) => {
  const id = await headway.run('spoken')
  await page.goto(`/executions/${id}`)
  await expect(badge(page)).toHaveText('completed', { timeout: 20_000 })
  await search(page).fill('broken 1\\d$')
  await page.getByRole('button', { name: 'Regular expression' }).click()
  await page.getByRole('button', { name: 'Only lines that match' }).click()
  await level(page).selectOption({ label: 'Error and up' })
  await expect(page.getByText('10 of 1,000 lines')).toBeVisible()
  await expect(page).toHaveURL(/level=error/)
  await page.locator('.headway-log__row', { hasText: 'broken 12' }).locator('.headway-log__number').click()
  await expect(page).toHaveURL(/#L63$/)

  const address = page.url()
  await page.goto('about:blank')
  await page.goto(address)
  await expect(page.getByText('10 of 1,000 lines')).toBeVisible()
  await expect(search(page)).toHaveValue('broken 1\\d$')
  await expect(page.locator('.headway-log__row[data-selected]')).toContainText('broken 12')

  await page.getByRole('button', { name: 'Show all' }).click()
  await search(page).fill('')
  await expect(page).toHaveURL(/executions\/[0-9A-Z]+\?only=true&regex=true#L63|regex=true&only=true#L63/)
})

test('choosing a line does not move the page', async ({ page, headway }) => {
  const id = await headway.run('spoken')
  await page.setViewportSize({ width: 390, height: 800 })
  await page.goto(`/executions/${id}`)
  await expect(badge(page)).toHaveText('completed', { timeout: 20_000 })
  await frame(page).scrollIntoViewIfNeeded()
  await expect(page.locator('.headway-log__row', { hasText: 'broken 199' })).toBeInViewport()
  const before = await page.evaluate(() => scrollY)
  await page.locator('.headway-log__row', { hasText: 'broken 199' }).locator('.headway-log__number').click()

  await expect(page).toHaveURL(/#L998$/)
  await expect(page.getByText('Line 998', { exact: true })).toBeInViewport()
  expect(await page.evaluate(() => scrollY)).toBe(before)
})

test('a line is found, chosen, linked and filtered to its step by keyboard alone', async ({
  page,
  headway,
}) => {
  const id = await headway.run('spoken')
  await page.goto(`/executions/${id}?tab=events`)
  await expect(badge(page)).toHaveText('completed', { timeout: 20_000 })
  const chosen = page.locator('.headway-log__row[data-selected]:not([hidden])')

  await page.keyboard.press('/')
  await expect(search(page)).toBeFocused()
  await page.keyboard.type('slow 3')
  await expect(page.locator('.headway-log__hits')).toHaveText('11')
  for (const [key, nth] of [
    ['Enter', 11], // from where the reader stands, at the end
    ['Shift+Enter', 10],
    ['Enter', 11],
    ['Enter', 1],
  ] as const) {
    await page.keyboard.press(key)
    await expect(page.locator('.headway-log__hits')).toHaveText(`${nth} of 11`)
  }
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('log')).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/#L\d+$/)
  await expect(chosen).toContainText('slow 3, see')
  await expect(page.locator('[aria-live]', { hasText: /^Line \d+ is chosen: slow 3,/ })).toBeAttached()

  await page.keyboard.press('j')
  await expect(chosen).toContainText('broken 3')
  await page.keyboard.press('k')
  await page.keyboard.press('k')
  await expect(chosen).toContainText('spoke 3')
  await page.keyboard.press('Shift+ArrowDown')
  await page.keyboard.press('Shift+ArrowDown')
  await expect(page).toHaveURL(/#L\d+-L\d+$/)
  await expect(chosen).toHaveCount(3)
  await page.keyboard.press('Shift+ArrowUp')
  await expect(chosen).toHaveCount(2)
  await page.keyboard.press('s')
  await expect(page.locator('.headway-log__chip')).toContainText('speak#')
  await page.keyboard.press('Escape')
  await expect(chosen).toHaveCount(0)
  await expect(page).not.toHaveURL(/#L/)
})
