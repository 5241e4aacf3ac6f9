/** What the page of an execution says of its connection, and what it does meanwhile, state by state. */

import type { Page } from '@playwright/test'
import { badge, expect, expectLogOfJournal, test } from './support/fixtures'
import type { Headway } from './support/headway'
import { expectReadable, expectToFit } from './support/readable'

const monitor = (page: Page) => page.locator('.headway-monitor')
const liveness = (page: Page) => monitor(page).locator('.headway-liveness')
const clocks = (page: Page) =>
  monitor(page).locator('.headway-progress__elapsed, .headway-timeline__took').allTextContents()
const cancel = (page: Page) => monitor(page).getByRole('button', { name: /^Cancel/ })

/** Colour of the dot, by the variable that it is painted with. */
const dotIs = (page: Page, variable: string) =>
  expect
    .poll(() =>
      liveness(page).evaluate((element, name) => {
        const probe = document.createElement('i')
        probe.style.backgroundColor = `var(${name})`
        element.append(probe)
        const wanted = getComputedStyle(probe).backgroundColor
        probe.remove()
        const dot = element.querySelector('.headway-liveness__dot') as HTMLElement
        return getComputedStyle(dot).backgroundColor === wanted
      }, variable),
    )
    .toBe(true)

/** Durations stand still, and go on together. */
async function expectStopped(page: Page): Promise<void> {
  const before = await clocks(page)
  await page.waitForTimeout(1_600)
  expect(await clocks(page)).toEqual(before)
}

/** A run of a minute that ticks each second, watched live. */
async function watchPaced(page: Page, headway: Headway): Promise<string> {
  const id = await headway.run('paced', { ticks: 60, pause_s: 1 })
  await page.goto(`/executions/${id}?view=timeline&tab=log`)
  await expect(badge(page)).toHaveText('running')
  await expect(liveness(page)).toHaveText('live')
  return id
}

test('a cut is no word for two seconds, then amber: since when, when again; clocks stop, buttons stay', async ({
  page,
  link,
  headway,
}) => {
  const id = await watchPaced(page, headway)
  await expect(page.getByText('tick 1 line 0')).toBeVisible()
  await dotIs(page, '--headway-good')

  link.block()
  const blockedAt = Date.now()
  await expect(liveness(page)).toHaveText(/^reconnecting/, { timeout: 15_000 })
  expect(Date.now() - blockedAt).toBeGreaterThan(1_500)
  await expect(liveness(page)).toHaveText(/^reconnecting( in \d+ s|…)retry now$/)
  await dotIs(page, '--headway-warn')
  await expect(monitor(page).locator('.headway-progress__elapsed')).toHaveText(
    /^\d.* s as of \d\d:\d\d:\d\d$/,
  )
  await expect(page.locator('.headway-timeline__axis > b')).toHaveText(/^\d\d:\d\d:\d\d$/)
  await expectStopped(page)
  await expect(cancel(page)).toBeEnabled()
  await expect(page.getByRole('log')).toContainText('tick 1 line 0')
  await expectReadable(page)

  link.restore()
  await liveness(page).getByRole('button', { name: 'retry now' }).click()
  await expect(liveness(page)).toHaveText('live')
  await expect(monitor(page).locator('.headway-progress__elapsed')).not.toContainText('as of')
  await cancel(page).click()
  await expect(badge(page)).toHaveText('cancelled')
  await expect(liveness(page)).toHaveText(/^ended \d\d:\d\d:\d\d$/)
  await expectLogOfJournal(page, headway, id)
})

test('a socket that says nothing any more is stale since it was last heard', async ({
  page,
  link,
  headway,
}) => {
  test.setTimeout(120_000)
  const id = await headway.run('endless')
  await page.goto(`/executions/${id}?view=timeline`)
  await expect(badge(page)).toHaveText('running')
  await expect(liveness(page)).toHaveText('live')

  link.freeze()
  await expect(liveness(page)).toHaveText(/^stale since \d\d:\d\d:\d\dretry now$/, { timeout: 45_000 })
  await dotIs(page, '--headway-warn')
  await expect(monitor(page).locator('.headway-progress__elapsed')).toContainText(' as of ')
  await expectStopped(page)
  await expect(cancel(page)).toBeEnabled()

  link.thaw() // it tries by itself
  await expect(liveness(page)).toHaveText('live')
  await page.request.post(`/api/executions/${id}/cancel`, { data: {} })
})

test('a browser without a network says so, and goes on by itself when there is one', async ({
  page,
  context,
  headway,
}) => {
  const id = await watchPaced(page, headway)

  await context.setOffline(true)
  await expect(liveness(page)).toHaveText(/^offline since \d\d:\d\d:\d\dretry now$/)
  await dotIs(page, '--headway-line-strong')
  await expectStopped(page)
  await expectReadable(page)

  await context.setOffline(false)
  await expect(liveness(page)).toHaveText('live')
  await page.request.post(`/api/executions/${id}/cancel`, { data: {} })
  await expect(badge(page)).toHaveText('cancelled')
  await expectLogOfJournal(page, headway, id)
})

for (const width of [1280, 390])
  test(`what was missed comes with a count and a bar, clocks and buttons going on, at ${width} px`, async ({
    page,
    link,
    headway,
  }) => {
    test.setTimeout(90_000)
    await page.setViewportSize({ width, height: 800 })
    const id = await headway.run('bursting')
    await page.goto(`/executions/${id}?tab=log&view=timeline`)
    await expect(page.getByText('ready', { exact: true })).toBeVisible()

    link.block()
    await fetch(`${headway.url}/api/executions/${id}/signals/go`, { method: 'POST' })
    await headway.eventually(async () => {
      const { execution } = (await headway.get(`api/executions/${id}`)) as { execution: { closed: boolean } }
      return execution.closed
    })
    link.allowance = 150_000
    link.restore()
    await page.evaluate(() => dispatchEvent(new Event('online')))
    await expect(liveness(page)).toHaveText(/^catching up [\d,]+ \/ [\d,]+$/, { timeout: 20_000 })
    await expect(page.locator('.headway-timeline__axis > b')).toHaveText('now')
    const bar = page.locator('.headway-log__missed > div')
    await expect(bar).toBeVisible()
    const share = await bar.evaluate(element => new DOMMatrix(getComputedStyle(element).transform).a)
    expect(share).toBeGreaterThan(0)
    expect(share).toBeLessThan(1)
    await expectReadable(page)
    await expectToFit(page)

    link.thaw()
    await expect(badge(page)).toHaveText('completed', { timeout: 30_000 })
    await expect(liveness(page)).toHaveText(/^ended /)
    await expect(bar).toHaveCount(0)
  })
