/** Says "N passed, N failed" on a line of its own after Playwright's summary, for those who read logs by program. */

import type { Reporter, TestCase, TestError } from '@playwright/test/reporter'

class E2eSummary implements Reporter {
  readonly #outcomes = new Map<string, boolean>()
  #errors = 0

  onTestEnd(test: TestCase): void {
    this.#outcomes.set(test.id, test.outcome() === 'expected')
  }

  onError(_: TestError): void {
    this.#errors += 1
  }

  onEnd(): void {
    const passed = [...this.#outcomes.values()].filter(Boolean).length
    const failed = this.#outcomes.size - passed + this.#errors
    process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
  }
}

// biome-ignore lint/style/noDefaultExport: Playwright loads a reporter by its default export
export default E2eSummary
