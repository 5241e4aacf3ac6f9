import { existsSync } from 'node:fs'
import react from '@vitejs/plugin-react'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { SummaryLine } from './test/summary.ts'

const BROWSER_TESTS = 'src/**/*.browser.test.ts'

/** The core needs no page at all. */
const core: TestProjectConfiguration = {
  extends: true,
  test: { name: 'core', environment: 'node', include: ['src/core/*.test.ts'], exclude: [BROWSER_TESTS] },
}

const page: TestProjectConfiguration = {
  extends: true,
  test: {
    name: 'page',
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    exclude: ['src/core/**', BROWSER_TESTS],
    setupFiles: ['test/setup.ts'],
  },
}

/** What needs layout runs in a real browser: the one named by HEADWAY_CHROMIUM, or the system's, where there is one. */
const browser = (executablePath: string): TestProjectConfiguration => ({
  extends: true,
  // At once: found in the middle of a run they would come twice.
  optimizeDeps: { include: ['react', 'react-dom/client', 'react/jsx-dev-runtime'] },
  test: {
    name: 'browser',
    include: [BROWSER_TESTS],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: { executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] },
      }),
      instances: [{ browser: 'chromium', viewport: { width: 1000, height: 700 } }],
      api: { host: '127.0.0.1' },
    },
  },
})

const CANDIDATES = [
  process.env['HEADWAY_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const chromium = CANDIDATES.find(path => path && existsSync(path))
if (!chromium)
  process.stderr.write('No Chromium found (HEADWAY_CHROMIUM): the log view is not tested in a browser.\n')

export default defineConfig({
  plugins: [react()],
  test: {
    reporters: ['default', new SummaryLine()],
    projects: chromium ? [core, page, browser(chromium)] : [core, page],
  },
})
