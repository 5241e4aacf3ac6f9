/** The page that tells what was measured, misses included. */

const round = (value, digits = 0) =>
  value === null || value === undefined ? '**never**' : value.toFixed(digits)
const count = value => value.toLocaleString('en')

/** A bar, what was measured, and whether it holds. */
function bars({ rows, search, pages: [page] }) {
  const of = (lines, name) =>
    rows.find(row => row.subject === 'headway' && row.lines === lines && row.browser.startsWith(name))
  const million = of(1_000_000, 'Chromium')
  const atMost = (what, value, limit, unit) => [
    what,
    `${round(value)} ${unit}`,
    value !== null && value <= limit,
  ]
  const list = [
    atMost('1,000,000 lines: the last line shown in at most 100 ms', million.tail, 100, 'ms'),
    atMost('… any line in at most 60 ms (median)', million.line, 60, 'ms'),
    atMost('… all searched in at most 150 ms', search.ms, 150, 'ms'),
    atMost('… in at most 130 MB', million.heap, 130, 'MB'),
    [
      'following 10,000 lines a second at 50 frames a second or more',
      round(million.follow.fps),
      million.follow.fps >= 50,
    ],
    atMost('… with at most 35 % of the main thread', million.follow.busy, 35, '%'),
    [
      'the whole Monitor at 10,000 events a second: 50 frames a second or more',
      round(page.fps),
      page.fps >= 50,
    ],
    atMost('… with at most 35 % of the main thread', page.busy, 35, '%'),
    atMost('… with long tasks of at most 200 ms in all', page.longTasks, 200, 'ms'),
    atMost('… with at most 150 ms from an event to the screen (95 of 100)', page.lagP95, 150, 'ms'),
    ['… and every line shown', `${count(page.shown)} of ${count(page.logs)}`, page.shown === page.logs],
  ]
  for (const name of ['Chromium', 'Firefox']) {
    const row = of(3_000_000, name)
    if (!row) continue
    list.push([
      `3,000,000 lines: the last one is reached in ${name}`,
      `${round(row.end)} ms`,
      row.end !== null,
    ])
    list.push([
      `… and no frame is blank while the wheel turns`,
      `${row.wheel.blank} of 60`,
      row.wheel.blank === 0,
    ])
  }
  return list
}

function monitorRow({ mode, fps, busy, longTasks, lagP95, shown, logs }) {
  const lines = `${count(shown)} of ${count(logs)}`
  return `| ${mode} | ${round(fps)} | ${round(busy)} % | ${round(longTasks)} | ${round(lagP95)} | ${lines} |`
}

export function pageOf(results) {
  const { at, machine, seconds, rate, quick, rows, pages } = results
  const measured = rows.map(row =>
    [
      row.browser,
      row.subject === 'headway' ? 'Headway' : '@tanstack/react-virtual',
      count(row.lines),
      round(row.tail),
      round(row.line),
      round(row.end),
      `${row.wheel.blank} of 60`,
      round(row.follow.fps),
      row.follow.busy === undefined ? '' : `${round(row.follow.busy)} %`,
      row.follow.atEnd === null ? '**no**' : 'yes',
      row.heap === null ? '' : round(row.heap),
    ].join(' | '),
  )
  return `# Benchmarks of the log view

Written by \`make bench-ui\` from the figures of its last run (\`bench/results/ui.json\`); do not edit. The production
build of the log view runs in real browsers, headless, at 1200 × 800, beside a general virtual list over the very same
lines: compare within the table. A line counts as shown once it lies within the pane.

${at}: ${machine}.${quick ? ' *(A quick run.)*' : ''}

| browser | view | lines | last line ms | any line ms | back to the end ms | blank frames | frames/s in follow | busy | follows | MB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${measured.map(row => `| ${row} |`).join('\n')}

*Follow*: ${count(rate)} lines a second for ${seconds} s. *MB*: objects and buffers after a collection, the lines included.
*Never*: not within 4 s. *Busy*: the time that the main thread ran.

The Monitor as a whole, fed over a WebSocket of another process with ${count(rate)} events a second for ${seconds} s
(90 % log, 8 % progress, 2 % starts of steps). Our pages speak rich mode, with a frame each 50 ms; in simple mode, that
of other clients, each event is a frame of its own, and the browser's work for each counts.

| mode | frames/s drawn | busy | long tasks ms | ms to the screen (95 of 100) | lines shown |
| --- | --- | --- | --- | --- | --- |
${pages.map(monitorRow).join('\n')}

| bar | measured | |
| --- | --- | --- |
${bars(results)
  .map(([what, value, isMet]) => `| ${what} | ${value} | ${isMet ? 'met' : '**missed**'} |`)
  .join('\n')}
`
}
