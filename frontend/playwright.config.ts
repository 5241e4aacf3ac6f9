import { defineConfig } from '@playwright/test'

/** Real Chromium against a real server; `HEADWAY_CHROMIUM` names the browser (scripts/find_chromium.sh). */
export default defineConfig({
  testDir: 'e2e',
  // Pictures take minutes; what they are held to, the other specs hold the pages to as well.
  testIgnore: process.env['HEADWAY_SCREENS'] ? [] : ['screens.spec.ts'],
  outputDir: 'test-results',
  fullyParallel: false,
  workers: 1,
  forbidOnly: true,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list'], ['./test/e2eSummary.ts']],
  use: {
    viewport: { width: 1280, height: 800 },
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env['HEADWAY_CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
