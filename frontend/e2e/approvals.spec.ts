/** Questions to people, waits, and doing an execution over, against a real server. */

import type { Locator, Page } from '@playwright/test'
import { badge, executionIdOf, expect, test } from './support/fixtures'
import type { Headway } from './support/headway'
import { expectReadable, expectToFit } from './support/readable'

type Detail = {
  execution: { status: string; retry_of: string | null; input: unknown }
  state: { output: unknown; from_step: string | null; waiting: { approvals: Record<string, Approval> } }
}
type Approval = { status: string; approved: boolean; by: string; values: unknown }

const detail = async (headway: Headway, id: string) =>
  (await headway.get(`api/executions/${id}`)) as unknown as Detail

const post = (headway: Headway, path: string, body: object) =>
  fetch(`${headway.url}/api/executions/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

async function openQuestion(page: Page, headway: Headway, input: object = {}) {
  const id = await headway.run('release', { ...input })
  await page.goto(`/executions/${id}`)
  const card = page.getByRole('region', { name: 'Question of release' })
  await expect(card.getByRole('button', { name: 'Approve' })).toBeVisible()
  return { id, card }
}

async function picture(page: Page, card: Locator, name: string): Promise<void> {
  await card.scrollIntoViewIfNeeded()
  await page.screenshot({ path: test.info().outputPath(`${name}.png`) })
}

test('a yes with its form goes to the workflow, by the name given', async ({ page, headway }) => {
  const { id, card } = await openQuestion(page, headway)
  await expect(page.locator('.headway-monitor__status')).toContainText(/waiting\s*for an answer/)
  await expect(card).toContainText('Publish build 7?')
  await expect(card).toContainText(/left, until .*; no answer means no/)

  await card.getByLabel('Channel').selectOption('beta')
  await card.getByLabel('Share').fill('70')
  await card.getByLabel('Your name').fill('Ada')
  await card.getByRole('button', { name: 'Approve' }).click()
  await expect(card.getByLabel('Share')).toBeFocused()
  await expect(card).toContainText('70 is greater than the maximum of 50')
  await card.getByLabel('Share').fill('25')
  await card.getByRole('button', { name: 'Approve' }).click()

  await expect(card).toContainText(/Approved by Ada at/)
  await expect(badge(page)).toHaveText('completed')
  await expect(page.getByText('"build 7 to 25 % of beta"')).toBeVisible()
  const { approvals } = (await detail(headway, id)).state.waiting
  expect(Object.values(approvals)).toMatchObject([
    { status: 'answered', approved: true, by: 'Ada', values: { channel: 'beta', share: 25 } },
  ])
  await page.getByText('1 request, done', { exact: true }).click()
  const receipt = page.getByRole('list', { name: 'Stages' })
  await expect(receipt).toHaveText(/requested \d.*delivered \d.*effective \d/)
})

test('a no needs no values; a second page sees it, a reload keeps it', async ({ page, headway, context }) => {
  const { id, card } = await openQuestion(page, headway)
  const other = await context.newPage()
  await other.goto(page.url())
  await expect(other.getByRole('button', { name: 'Reject' })).toBeVisible()
  await card.getByLabel('Reason').fill('three issues are open')
  await card.getByRole('button', { name: 'Reject' }).click()

  for (const each of [page, other]) {
    await expect(each.getByRole('heading', { name: /^Rejected at/ })).toBeVisible()
    await expect(each.getByRole('button', { name: 'Reject' })).toHaveCount(0)
    await expect(each.getByText('three issues are open')).toBeVisible()
  }
  await headway.eventually(() => headway.isClosed(id))
  await page.reload()
  await expect(page.getByRole('heading', { name: /^Rejected at/ })).toBeVisible()
  await expect(page.getByText('"build 7 was kept back"')).toBeVisible()
})

test('a question is answered after the worker and the server were killed', async ({ page, headway }) => {
  const { card } = await openQuestion(page, headway)
  headway.kill('headway.worker')
  headway.kill('headway.server')
  await headway.eventually(async () => (await headway.get('healthz')) !== null)
  await card.getByLabel('Channel').selectOption('stable')
  await card.getByRole('button', { name: 'Approve' }).click()

  await expect(card).toContainText(/Approved at/, { timeout: 20_000 })
  await expect(badge(page)).toHaveText('completed', { timeout: 20_000 })
})

test('silence is said to be a no', async ({ page, headway }) => {
  const id = await headway.run('release', { deadline_s: 1 })
  await page.goto(`/executions/${id}`)
  const card = page.getByRole('region', { name: 'Question of release' })

  await expect(card).toContainText(/Nobody answered in time: rejected at/)
  await expect(badge(page)).toHaveText('completed')
})

test('a wait says until when, then for which signal', async ({ page, headway }) => {
  const row = page.locator('.headway-monitor__status')
  const asleep = await headway.run('napping', { seconds: 600 })
  await page.goto(`/executions/${asleep}`)
  await expect(row).toContainText(/waiting\s*until \d.*, in \d/)
  await fetch(`${headway.url}/api/executions/${asleep}/cancel`, { method: 'POST' })
  const id = await headway.run('napping', { seconds: 0.1 })
  await page.goto(`/executions/${id}`)
  await expect(row).toContainText(/waiting\s*for signal wake/)
  const answer = await post(headway, `${id}/signals/wake`, { value: 'a test', by: 'bob' })
  expect(answer.status).toBe(202)

  await expect(badge(page)).toHaveText('completed')
  await page.getByText('1 request, done', { exact: true }).click()
  await expect(page.getByText('Signal by bob')).toBeVisible()
})

test('a cancel shows its receipt, with who and when', async ({ page, headway }) => {
  const { card } = await openQuestion(page, headway)
  await card.getByLabel('Your name').fill('Ada')
  await page.getByRole('button', { name: 'Cancel' }).click()

  await expect(badge(page)).toHaveText('cancelled')
  await expect(card).toContainText('No longer asked')
  await page.getByText('1 request, done', { exact: true }).click()
  await expect(page.getByText('Cancel by Ada')).toBeVisible()
  await expect(page.getByRole('list', { name: 'Stages' })).toHaveText(/requested \d.*effective \d/)
})

test('runs again with changed input, and links to what it does over', async ({ page, headway }) => {
  const id = await headway.run('staged', { number: 3 })
  await page.goto(`/executions/${id}`)
  await page.getByRole('button', { name: 'Change input' }).click()
  const panel = page.getByRole('region', { name: 'Run again with changed input' })
  await expect(panel.getByLabel('Number')).toHaveValue('3')
  await panel.getByLabel('Number').fill('4')
  await panel.getByRole('button', { name: 'Run again' }).click()

  await expect(page).not.toHaveURL(new RegExp(id))
  await expect(page.getByText('"build 4 to 10 % of beta"')).toBeVisible()
  expect((await detail(headway, executionIdOf(page))).execution.retry_of).toBe(id)
  await page.getByRole('link', { name: id }).click()
  await expect(page).toHaveURL(new RegExp(id))
})

test('goes on from a step without doing over what was done before it', async ({ page, headway }) => {
  const id = await headway.run('staged')
  await page.goto(`/executions/${id}`)
  await expect(badge(page)).toHaveText('completed')
  await page.getByRole('tab', { name: /^Steps/ }).click()
  const step = page.getByRole('listitem').filter({ hasText: 'publish' }).first()
  await step.hover()
  await step.getByRole('button', { name: 'Retry from here: publish#1' }).click()

  await expect(page).not.toHaveURL(new RegExp(id))
  await expect(badge(page)).toHaveText('completed')
  const again = executionIdOf(page)
  expect((await detail(headway, again)).state.from_step).toBe('publish#1')
  const log = await headway.journalLog(again)
  expect(log).toContain('publishing build 7')
  expect(log).not.toContain('building 7')
  await expect(page.locator('.app-origin')).toContainText(`again from publish#1 of ${id.slice(-6)}`)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`the card in ${colorScheme}`, () => {
    test.use({ colorScheme })

    for (const width of [1280, 390]) {
      test(`has no serious accessibility finding and fits ${width} px`, async ({ page, headway }) => {
        await page.setViewportSize({ width, height: 844 })
        const { id, card } = await openQuestion(page, headway)
        await expectReadable(page)
        await picture(page, card, 'open')
        await expectToFit(page)

        await card.getByLabel('Channel').selectOption('beta')
        await card.getByLabel('Your name').fill('Ada')
        await card.getByRole('button', { name: 'Approve' }).click()
        await expect(badge(page)).toHaveText('completed')
        await page.getByText('1 request, done', { exact: true }).click()
        await page.getByRole('button', { name: 'Change input' }).click()
        await expectReadable(page)
        await picture(page, card, 'answered')
        await expectToFit(page)
        expect(await headway.isClosed(id)).toBe(true)
      })
    }
  })
}

test('keyboard alone answers a question', async ({ page, headway }) => {
  const { card } = await openQuestion(page, headway)
  await card.getByLabel('Channel').focus()
  await page.keyboard.press('b') // beta
  for (const label of ['Share', 'Reason', 'Your name']) {
    await page.keyboard.press('Tab')
    await expect(card.getByLabel(label)).toBeFocused()
  }
  await page.keyboard.press('Tab')
  await expect(card.getByRole('button', { name: 'Approve' })).toBeFocused()
  await page.keyboard.press('Enter')

  await expect(card).toContainText(/Approved at/)
  await expect(card).toBeFocused()
})
