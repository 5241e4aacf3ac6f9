/** One server a worker of Playwright, one cuttable link a test; any error on the console fails the test. */

import { createHash } from 'node:crypto'
import { test as base, expect, type Locator, type Page } from '@playwright/test'
import { FaultProxy } from './faultProxy'
import { Headway } from './headway'

type TestFixtures = { link: FaultProxy; consoleErrors: string[] }
type WorkerFixtures = { headway: Headway }

export const test = base.extend<TestFixtures, WorkerFixtures>({
  headway: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the pattern
    async ({}, use) => {
      const server = await Headway.start()
      await use(server)
      await server.stop()
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  link: async ({ headway }, use) => {
    const link = await new FaultProxy(headway.url).listen()
    await use(link)
    await link.close()
  },
  baseURL: async ({ link }, use) => use(link.url),
  consoleErrors: [
    async ({ page }, use) => {
      const errors: string[] = []
      page.on('console', message => message.type() === 'error' && errors.push(message.text()))
      page.on('pageerror', error => errors.push(error.message))
      await use(errors)
      // What a cut connection makes the browser say is no fault of the page.
      const own = errors.filter(text => !/WebSocket connection|Failed to load resource|ERR_/.test(text))
      expect(own).toEqual([])
    },
    { auto: true },
  ],
})

export { expect } from '@playwright/test'

export const badge = (page: Page): Locator => page.locator('.headway-monitor .headway-badge').first()

/** The execution that the address names. */
export function executionIdOf(page: Page): string {
  const id = /[/=](01[0-9A-Z]{24})/.exec(page.url())?.[1]
  if (!id) throw new Error(`no execution in ${page.url()}`)
  return id
}

/** Every line of the log, read off the screen by scrolling through it; by number, so a hole or a repeat shows. */
export async function shownLog(page: Page): Promise<string[]> {
  const view = page.getByRole('log')
  await view.focus()
  await page.keyboard.press('Home')
  const lines = new Map<number, string>()
  let before = -1
  while (lines.size > before) {
    before = lines.size
    // The view paints by itself, in the next frame: however long a loaded machine takes for it.
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))))
    const rows = await view.locator('.headway-log__row:not([hidden])').evaluateAll(elements =>
      elements.map(row => ({
        number: Number(row.querySelector('.headway-log__number')?.textContent),
        text: row.querySelector('.headway-log__text')?.textContent ?? '',
      })),
    )
    for (const { number, text } of rows) lines.set(number, text)
    await page.keyboard.press('PageDown')
  }
  const last = Math.max(0, ...lines.keys())
  return Array.from(
    { length: last },
    (_, index) => lines.get(index + 1) ?? `line ${index + 1} was never shown`,
  )
}

export function digest(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

/** The log on the screen is the log in the journal, by hash; the lines are compared for the message. */
export async function expectLogOfJournal(page: Page, headway: Headway, executionId: string): Promise<void> {
  const [shown, stored] = [await shownLog(page), await headway.journalLog(executionId)]
  expect(shown).toEqual(stored)
  expect(digest(shown)).toBe(digest(stored))
}
