/** Chromium through Playwright, with how busy its main thread was and what it holds. */

import { chromium } from 'playwright'

export async function openChromium(url) {
  const browser = await chromium.launch({
    executablePath: process.env.HEADWAY_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
  })
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } })
  const session = await page.context().newCDPSession(page)
  // The time that the thread ran, not that it waited for a core: the page is not blamed for its neighbours.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  await page.goto(url)
  await page.waitForFunction('window.bench')
  const taskSeconds = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration').value
  }
  return {
    name: `Chromium ${browser.version().split('.')[0]}`,
    call: (name, ...values) =>
      page.evaluate(([name, values]) => window.bench[name](...values), [name, values]),
    /** Percent of one core that the main thread was busy. */
    async busy(work) {
      const [began, before] = [performance.now(), await taskSeconds()]
      const result = await work()
      const busy = ((await taskSeconds()) - before) / ((performance.now() - began) / 1_000)
      return { ...result, busy: busy * 100 }
    },
    /** Megabytes of objects and buffers, garbage collected. */
    async heap() {
      await session.send('HeapProfiler.collectGarbage')
      const { usedSize, backingStorageSize = 0 } = await session.send('Runtime.getHeapUsage')
      return (usedSize + backingStorageSize) / 1e6
    },
    close: () => browser.close(),
  }
}
