/** Firefox over WebDriver BiDi, with nothing but its own remote agent; `null` where there is no Firefox. */

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'

const QUIET = [
  'app.update.enabled',
  'network.captive-portal-service.enabled',
  'network.connectivity-service.enabled',
  'datareporting.policy.dataSubmissionEnabled',
  'toolkit.telemetry.enabled',
]
const STARTS_WITHIN_MS = 60_000

export async function openFirefox(url) {
  const program = ['firefox-esr', 'firefox'].find(name => spawnSync(name, ['--version']).status === 0)
  if (!program) return null
  const profile = mkdtempSync(join(tmpdir(), 'headway-firefox-'))
  writeFileSync(join(profile, 'user.js'), QUIET.map(name => `user_pref("${name}", false);`).join('\n'))
  const process_ = spawn(program, [
    '--headless',
    '--no-remote',
    '--remote-debugging-port',
    '0',
    '--profile',
    profile,
  ])
  const driver = await connect(await addressOf(process_))
  const { capabilities } = await driver.send('session.new', { capabilities: {} })
  const { contexts } = await driver.send('browsingContext.getTree', {})
  const context = contexts[0].context
  await driver.send('browsingContext.setViewport', { context, viewport: { width: 1200, height: 800 } })
  await driver.send('browsingContext.navigate', { context, url, wait: 'complete' })
  return {
    name: `Firefox ${capabilities.browserVersion.split('.')[0]}`,
    async call(name, ...values) {
      const expression = `(async () => JSON.stringify(await window.bench.${name}(...${JSON.stringify(values)})))()`
      const answer = await driver.send('script.evaluate', {
        expression,
        target: { context },
        awaitPromise: true,
      })
      if (answer.type === 'exception') throw new Error(answer.exceptionDetails.text)
      return answer.result.value === undefined ? undefined : JSON.parse(answer.result.value)
    },
    async close() {
      await driver.send('browser.close', {}).catch(() => {})
      process_.kill()
      await new Promise(resolve => (process_.exitCode === null ? process_.once('exit', resolve) : resolve()))
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

function addressOf(firefox) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('Firefox does not listen')), STARTS_WITHIN_MS)
    firefox.stderr.on('data', data => {
      const address = /WebDriver BiDi listening on (ws:\S+)/.exec(String(data))
      if (!address) return
      clearTimeout(timer)
      resolve(`${address[1]}/session`)
    })
  })
}

async function connect(address) {
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const waiting = new Map()
  let last = 0
  socket.on('message', data => {
    const { id, type, result, message } = JSON.parse(data)
    const call = waiting.get(id)
    waiting.delete(id)
    if (type === 'error') call?.reject(new Error(message))
    else call?.resolve(result)
  })
  const send = (method, params) =>
    new Promise((resolve, reject) => {
      last += 1
      waiting.set(last, { resolve, reject })
      socket.send(JSON.stringify({ id: last, method, params }))
    })
  return { send }
}
