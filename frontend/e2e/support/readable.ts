/** What every page is held to, whatever it shows: it can be read by everybody, and fits its screen. */

import AxeBuilder from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'

/** No serious accessibility finding, once the page has loaded. */
export async function expectReadable(page: Page, where = page.url()): Promise<void> {
  await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0)
  const { violations } = await new AxeBuilder({ page }).analyze()
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  expect(serious.map(({ id, nodes }) => `${where} ${id}: ${nodes.map(node => node.html).join(' ')}`)).toEqual(
    [],
  )
}

/** Nothing is wider than the window; asked again, since panes slide for a moment after it was resized. */
export async function expectToFit(page: Page, where = page.url()): Promise<void> {
  const spare = () =>
    page.evaluate(() => document.documentElement.clientWidth - document.documentElement.scrollWidth)
  await expect.poll(spare, `${where} fits the window`).toBeGreaterThanOrEqual(0)
}
