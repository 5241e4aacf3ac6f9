/**
 * A picture of every page and state, of the examples on real input. HEADWAY_SCREENS=1 (`make screens`) writes them to
 * docs/screens/; each is held to no serious accessibility finding and, as every test, to no error on the console.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import type { Page } from '@playwright/test'
import type { FaultProxy } from './support/faultProxy'
import { badge, test as base, expect } from './support/fixtures'
import { Headway } from './support/headway'
import { expectReadable, expectToFit } from './support/readable'

const ROOT = resolve(import.meta.dirname, '../..')
const EXAMPLES = [
  'quickstart',
  'audit_environment',
  'recovering_pipeline',
  'git_history',
  'agents/survey',
].map(name => resolve(ROOT, `examples/${name}.py`))
const SIZE = { width: 1200, height: 760 }
const PHONE = { width: 390, height: 760 }

/** The examples alone, with executions in every state. */
type Scene = { completed: string; failed: string; asking: string; long: string; running: string }

const test = base.extend<object, { headway: Headway; scene: Scene }>({
  headway: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the pattern
    async ({}, use) => {
      const server = await Headway.start({}, EXAMPLES)
      await use(server)
      await server.stop()
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  scene: [
    async ({ headway }, use) => {
      const agents: ChildProcess[] = []
      await use(await stage(headway, agents))
      for (const agent of agents) agent.kill('SIGTERM')
    },
    { scope: 'worker', timeout: 120_000 },
  ],
})

test.use({ viewport: SIZE, timezoneId: 'UTC', locale: 'en-GB' })

async function stage(headway: Headway, agents: ChildProcess[]): Promise<Scene> {
  const ended = (id: string) => headway.eventually(() => headway.isClosed(id), 60_000)
  const asking = await headway.run('survey', { modules: 2, ask: true })
  for (const role of ['scout', 'checker']) agents.push(agent(headway, role, asking))
  for (const pattern of ['*.py', '*.py', '*.md']) await ended(await headway.run('quickstart', { pattern }))
  const completed = await headway.run('recovering_pipeline', { files: 12 })
  const long = await headway.run('audit_environment', { standard_library: false, limit: 6 })
  await Promise.all([completed, long].map(ended))
  const failed = await headway.run('recovering_pipeline', { files: 12, outcome: 'fail' })
  await ended(failed)
  await headway.eventually(async () =>
    JSON.stringify(await headway.get('api/approvals?status=open')).includes(asking),
  )
  return { completed, failed, asking, long, running: '' }
}

/** One of the two agents of the survey, as its README starts it. */
function agent(headway: Headway, role: string, executionId: string): ChildProcess {
  return spawn(
    resolve(ROOT, 'backend/.venv/bin/python'),
    [
      resolve(ROOT, 'examples/agents/agent.py'),
      ...[role, executionId],
      ...['--url', headway.url],
      ...['--outbox', resolve(headway.folder, `${role}.json`)],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
}

type Screen = {
  name: string
  path: (scene: Scene) => string
  ready: (page: Page) => Promise<unknown>
  /** An audit runs meanwhile; only then, for it keeps every processor busy. */
  runs?: boolean
}

/** Do it while an audit runs, where that is wanted. */
async function during(headway: Headway, scene: Scene, runs: boolean, work: (scene: Scene) => Promise<void>) {
  if (!runs) return await work(scene)
  const running = await headway.run('audit_environment', { standard_library: false, limit: 60 })
  try {
    await work({ ...scene, running })
  } finally {
    await fetch(`${headway.url}/api/executions/${running}/cancel`, { method: 'POST' })
  }
}

const heading = (name: string | RegExp) => (page: Page) =>
  expect(page.getByRole('heading', { name }).first()).toBeVisible()
const status = (text: string) => (page: Page) => expect(badge(page)).toHaveText(text)

const SCREENS: readonly Screen[] = [
  { name: 'workflows', path: () => '/', ready: heading('Workflows') },
  {
    name: 'run-form',
    path: () => '/workflows/recovering_pipeline',
    ready: async page => {
      await expect(page.getByRole('button', { name: 'Run', exact: true })).toBeEnabled()
      await page.getByRole('button', { name: 'curl' }).click() // names no folder of this machine
    },
  },
  {
    name: 'executions',
    path: () => '/executions',
    ready: page => expect(page.locator('tbody tr').first()).toContainText('running'),
    runs: true,
  },
  {
    name: 'executions-empty',
    path: () => '/executions?q=nothing',
    ready: heading('No execution matches the filters'),
  },
  {
    name: 'approvals',
    path: () => '/approvals',
    ready: page => expect(page.getByRole('article')).toBeVisible(),
  },
  {
    name: 'approve',
    path: ({ asking }) => `/approve/${asking}/approval-1`,
    ready: page => expect(page.getByRole('button', { name: 'Approve' })).toBeVisible(),
  },
  {
    name: 'settings',
    path: () => '/settings',
    ready: page => expect(page.getByRole('region', { name: 'Server' })).toContainText('Version'),
  },
  { name: 'not-here', path: () => '/nowhere', ready: heading('Not here') },
  {
    name: 'running',
    path: ({ running }) => `/executions/${running}?view=timeline`,
    ready: async page => {
      await status('running')(page)
      await expect(page.getByText(/\d\d of \d+ items/).first()).toBeVisible({ timeout: 40_000 })
    },
    runs: true,
  },
  {
    name: 'graph',
    path: ({ running }) => `/executions/${running}?view=graph`,
    ready: page => expect(page.locator('.headway-graph__box').first()).toBeVisible(),
    runs: true,
  },
  { name: 'failed', path: ({ failed }) => `/executions/${failed}?view=timeline`, ready: status('failed') },
  {
    name: 'waiting',
    path: ({ asking }) => `/executions/${asking}?view=timeline`,
    ready: heading(/asks for an answer/),
  },
  { name: 'completed', path: ({ long }) => `/executions/${long}?tab=output`, ready: status('completed') },
  {
    name: 'log-search',
    path: ({ completed }) => `/executions/${completed}?view=steps`,
    ready: async page => {
      await status('completed')(page)
      await page.getByLabel('Search the log').fill('lines')
      await expect(page.locator('.headway-log__hits')).toContainText(/\d/)
    },
  },
  {
    name: 'events',
    path: ({ failed }) => `/executions/${failed}?view=graph&tab=events`,
    ready: page => expect(page.getByRole('button', { name: /execution\.queued/ })).toBeVisible(),
  },
  {
    name: 'palette',
    path: () => '/executions',
    ready: async page => {
      await expect(page.locator('tbody tr').first()).toBeVisible()
      await page.keyboard.press('Control+k')
      await page.getByRole('textbox', { name: 'Search' }).fill('audit')
      await expect(page.getByRole('dialog').getByRole('button').first()).toBeVisible()
    },
  },
]
/** What is shown in dark, too, and on a phone; in dark the rest is only held to the rules. */
const ALSO_DARK = new Set(['workflows', 'executions', 'running', 'failed'])
const ALSO_PHONE = new Set(['executions', 'running', 'approve'])

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`in ${colorScheme}`, () => {
    test.use({ colorScheme })

    for (const { name, path, ready, runs = false } of SCREENS) {
      test(name, async ({ page, headway, scene }) => {
        await during(headway, scene, runs, async now => {
          await page.goto(path(now))
          await ready(page)
          const isKept = colorScheme === 'light' || ALSO_DARK.has(name)
          await picture(page, colorScheme === 'light' ? name : `${name}-dark`, isKept)
          await expectReadable(page)
        })
      })
    }
  })
}

test.describe('on a phone', () => {
  test.use({ viewport: PHONE })

  for (const { name, path, ready, runs = false } of SCREENS.filter(each => ALSO_PHONE.has(each.name))) {
    test(name, async ({ page, headway, scene }) => {
      await during(headway, scene, runs, async now => {
        await page.goto(path(now))
        await ready(page)
        await picture(page, `${name}-phone`)
        await expectReadable(page)
        await expectToFit(page)
      })
    })
  }
})

type Hurt = { page: Page; link: FaultProxy; headway: Headway; running: string }

const liveness = (page: Page) => page.locator('.headway-monitor .headway-liveness')
const seqOf = async (headway: Headway, id: string) =>
  ((await headway.get(`api/executions/${id}`)) as { execution: { last_seq: number } }).execution.last_seq

/** How the page of a running execution comes into each state of its connection, and what it then says. */
const CONNECTIONS: readonly { name: string; hurt: (hurt: Hurt) => Promise<unknown>; says: RegExp }[] = [
  {
    name: 'disconnected',
    hurt: async ({ link }) => link.block(),
    says: /^reconnecting( in \d+ s|…)retry now$/,
  },
  { name: 'offline', hurt: ({ page }) => page.context().setOffline(true), says: /^offline since / },
  { name: 'stale', hurt: async ({ link }) => link.freeze(), says: /^stale since / },
  {
    name: 'catching-up',
    hurt: async ({ page, link, headway, running }) => {
      const before = await seqOf(headway, running)
      link.block()
      await headway.eventually(async () => (await seqOf(headway, running)) > before + 150)
      link.allowance = 12_000
      link.restore()
      await page.evaluate(() => dispatchEvent(new Event('online')))
    },
    says: /^catching up [\d,]+ \/ [\d,]+$/,
  },
]

for (const viewport of [SIZE, PHONE])
  test.describe(`${viewport.width} px wide`, () => {
    test.use({ viewport })

    for (const { name, hurt, says } of CONNECTIONS)
      test(`${name}: the page says so`, async ({ page, link, headway, scene }) => {
        test.setTimeout(120_000)
        await during(headway, scene, true, async ({ running }) => {
          await page.goto(`/executions/${running}?view=timeline&tab=log`)
          await expect(page.getByText(/\d\d of \d+ items/).first()).toBeVisible({ timeout: 40_000 })
          await hurt({ page, link, headway, running })
          await expect(liveness(page)).toHaveText(says, { timeout: 45_000 })
          await picture(page, viewport === SIZE ? name : `${name}-phone`, viewport === SIZE)
          await expectReadable(page)
          await expectToFit(page)
        })
      })
  })

async function picture(page: Page, name: string, isKept = true): Promise<void> {
  const isWanted = isKept && process.env['HEADWAY_SCREENS']
  const path = isWanted ? resolve(ROOT, `docs/screens/${name}.png`) : test.info().outputPath(`${name}.png`)
  await page.evaluate(anonymise, ROOT)
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
}

/** Paths of whoever takes the picture say nothing to whoever looks at it. */
function anonymise(checkout: string): void {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.nodeValue ?? ''
    const shown = text.replaceAll(checkout, '/srv/app').replace(/(\/[\w.-]+)+(?=\/lib\/python3)/g, '/usr')
    if (shown !== text) node.nodeValue = shown
  }
}
