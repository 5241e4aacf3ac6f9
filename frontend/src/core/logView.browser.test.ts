/** What needs layout: a real browser. */

import '../components/LogPanel.css'
import '../components/WorkflowExecutionMonitor.css'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChunkedLog } from './chunks'
import { EVERYTHING, logMatch } from './logMatch'
import { PLAIN_LOOK } from './logRow'
import { LogSelection } from './logSelection'
import { LogView, SPACER_CAP_PX } from './logView'

const HEIGHT = 400
/** The room below the last line comes on top. */
const FRAME = HEIGHT + 12
const ROW = 20
let root: HTMLElement
let view: LogView

beforeEach(() => {
  document.body.innerHTML = `<div class="headway" style="background:var(--headway-sunken)"><div style="height:${FRAME}px;width:600px"></div></div>`
  root = document.querySelector('.headway > div') as HTMLElement
})

afterEach(() => view.destroy())

const aMessage = (text: string, level = 1) => ({ text, level, time: 0 })

function aLog(count: number): ChunkedLog {
  const log = new ChunkedLog()
  for (let n = 1; n <= count; n++) log.push(aMessage(`line ${n}`, n % 10 === 0 ? 3 : 1))
  return log
}

const frame = () => new Promise(resolve => requestAnimationFrame(resolve))
const scroller = () => root.querySelector('.headway-log__scroller') as HTMLElement

/** Wait until the view has painted what is asked of it. */
async function painted(): Promise<void> {
  for (let frames = 0; frames < 9; frames++) await frame()
}

/** Numbers of the lines a reader sees, from the top. */
function seen(): number[] {
  const pane = scroller().getBoundingClientRect()
  return [...root.querySelectorAll<HTMLElement>('.headway-log__row:not([hidden], .headway-log__probe)')]
    .map(row => ({ row, at: row.getBoundingClientRect() }))
    .filter(({ at }) => at.bottom > pane.top + 1 && at.top < pane.top + HEIGHT - 1)
    .sort((a, b) => a.at.top - b.at.top)
    .map(({ row }) => Number(row.querySelector('.headway-log__number')?.textContent))
}

function press(key: string): void {
  scroller().dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
}

function wheel(deltaY: number): void {
  scroller().dispatchEvent(new WheelEvent('wheel', { deltaY, bubbles: true, cancelable: true }))
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n)

describe('a line that was brought into view', () => {
  it('stays in view when the pane changes its height, until the reader goes elsewhere', async () => {
    view = new LogView(root, aLog(40))
    view.setFollow(false)
    press('Home')
    await painted()
    view.showMessage(16) // in view as it is, near the end
    await painted()
    root.style.height = '200px'
    await painted()
    expect(root.querySelectorAll('.headway-log__row:not([hidden])').length).toBeLessThan(20)
    const inPane = () => seen().slice(0, 8)
    expect(inPane()).toContain(16)
    press('Home')
    root.style.height = '240px'
    await painted()
    expect(seen()[0]).toBe(1)
  })
})

describe('drawing anew', () => {
  it('writes into the text that is there, and leaves alone what stays the same', async () => {
    const log = aLog(1_000)
    view = new LogView(root, log)
    await painted()
    const box = root.querySelector('.headway-log__box') as HTMLElement
    const changes: MutationRecord[] = []
    const observer = new MutationObserver(records => changes.push(...records))
    const everything = { subtree: true, characterData: true, childList: true, attributes: true }
    for (const row of box.children) observer.observe(row, everything)
    for (let n = 1_001; n <= 2_000; n++) log.push(aMessage(`line ${n}`))
    view.changed()
    await painted()
    observer.disconnect()

    expect(seen().at(-1)).toBe(2_000)
    const cells = (type: MutationRecordType) =>
      new Set(changes.filter(change => change.type === type).map(cellOf))
    expect(cells('characterData')).toEqual(new Set(['number', 'text', 'level']))
    expect(cells('childList')).toEqual(new Set())
  })
})

describe('a line that comes while the reader follows', () => {
  const animate = Element.prototype.animate
  /** Numbers of the lines that were given a tint since the last look; however slow the machine is. */
  let given: number[] = []
  const tinted = () => given.splice(0)

  beforeEach(() => {
    given = []
    Element.prototype.animate = function (this: Element, ...how) {
      given.push(Number(this.querySelector('.headway-log__number')?.textContent))
      return animate.apply(this, how)
    }
  })
  afterEach(() => {
    Element.prototype.animate = animate
  })

  async function add(log: ChunkedLog, count = 1): Promise<void> {
    for (let n = 0; n < count; n++) log.push(aMessage(`line ${log.messages + 1}`))
    view.changed()
    await painted()
  }

  it('stands on a tint that fades to its own ground', async () => {
    const log = aLog(100)
    view = new LogView(root, log)
    view.setLive(log.messages)
    await painted()
    expect(tinted()).toEqual([])
    const grounds: string[] = []
    Element.prototype.animate = function (this: Element, ...how) {
      const animation = animate.apply(this, how)
      animation.pause()
      grounds.push(getComputedStyle(this).backgroundColor)
      animation.finish()
      grounds.push(getComputedStyle(this).backgroundColor)
      return animation
    }
    await add(log)
    const clear = 'rgba(0, 0, 0, 0)'
    expect(grounds).toEqual([expect.not.stringContaining(clear), clear])
  })

  it('has none where it was loaded, where the reader scrolls or filters, and where lines rush by', async () => {
    const log = aLog(100)
    view = new LogView(root, log)
    await add(log)
    expect(tinted()).toEqual([])

    view.setLive(log.messages)
    view.setFollow(false)
    await add(log, 3)
    press('End')
    await painted()
    expect(tinted()).toEqual([])
    await add(log)
    expect(tinted()).toEqual([105])
    press('Home')
    await painted()
    press('End')
    await painted()
    const selection = new LogSelection(log, logMatch({ ...EVERYTHING, text: 'line 10' }))
    selection.advance()
    view.setSource(selection)
    await painted()
    view.setSource(log)
    await painted()
    expect(tinted()).toEqual([])
    await add(log, 500)
    expect(tinted()).toEqual([])
  })

  it('gives its row to the next line without its tint', async () => {
    const log = aLog(100)
    view = new LogView(root, log)
    view.setLive(log.messages)
    await painted()
    await add(log)
    const tint = root.getAnimations({ subtree: true })
    expect(tinted()).toEqual([101])
    view.setFollow(false)
    press('Home')
    await painted()
    expect(root.getAnimations({ subtree: true })).toEqual([])
    for (const each of tint) expect(each.playState).not.toBe('running')
  })
})

/** Of a text with its ground, as WCAG counts it. */
function contrastOf(element: HTMLElement): number {
  const groundOf = (each: Element | null): string => {
    const colour = each ? getComputedStyle(each).backgroundColor : 'rgb(255, 255, 255)'
    return colour === 'rgba(0, 0, 0, 0)' ? groundOf(each?.parentElement ?? null) : colour
  }
  const [light = 0, dark = 0] = [getComputedStyle(element).color, groundOf(element)]
    .map(luminance)
    .sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(value => {
    const part = Number(value) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** Which cell of a row a change is in. */
function cellOf({ target }: MutationRecord): string {
  const element = target instanceof Element ? target : target.parentElement
  return element?.className.replace('headway-log__', '') ?? ''
}

describe.each([1_000, 100_000, 1_000_000])('a log of %i lines', count => {
  const log = aLog(count)

  it('shows its end at once, and only the rows on screen exist', async () => {
    const began = performance.now()
    view = new LogView(root, log)
    await frame()
    await frame()
    const took = performance.now() - began

    expect(seen()).toEqual(range(count - HEIGHT / ROW + 1, count))
    expect(root.querySelectorAll('.headway-log__row').length).toBeLessThan(30)
    expect(took).toBeLessThan(1_000)
  })

  it('reaches its first line by key, and its last again', async () => {
    view = new LogView(root, log)
    press('Home')
    await painted()
    expect(seen()).toEqual(range(1, HEIGHT / ROW))
    expect(view.following).toBe(false)
    press('End')
    await painted()

    expect(seen().at(-1)).toBe(count)
    expect(view.following).toBe(true)
  })

  it('brings any line to the middle', async () => {
    view = new LogView(root, log)
    const index = Math.floor(count * 0.37)
    view.scrollToLine(index)
    await painted()

    const lines = seen()
    expect(lines).toContain(index + 1)
    expect(Math.abs(lines.indexOf(index + 1) - lines.length / 2)).toBeLessThanOrEqual(2)
  })

  it('moves by exact lines with the keys, however long it is', async () => {
    view = new LogView(root, log)
    view.scrollToLine(500)
    await painted()
    const [first = 0] = seen()
    for (let n = 0; n < 7; n++) press('ArrowDown')
    await painted()

    expect(seen()[0]).toBe(first + 7)
  })

  it('finds its end at the end of the scroll bar, which stays below the limit of every browser', async () => {
    view = new LogView(root, log)
    press('Home')
    await painted()
    scroller().scrollTop = scroller().scrollHeight
    await painted()

    expect(seen().at(-1)).toBe(count)
    expect(view.following).toBe(true)
    expect(scroller().scrollHeight).toBeLessThanOrEqual(SPACER_CAP_PX + FRAME)
  })
})

describe('following', () => {
  it('keeps the newest line in view as the log grows', async () => {
    const log = aLog(10)
    view = new LogView(root, log)
    for (let n = 11; n <= 5_000; n++) log.push(aMessage(`line ${n}`))
    view.changed()
    await painted()

    expect(seen().at(-1)).toBe(5_000)
  })

  it('ends at a turn of the wheel, and what the reader sees then stands still', async () => {
    const log = aLog(500)
    let told: boolean | null = null
    view = new LogView(root, log, {
      onFollow: following => {
        told = following
      },
    })
    await painted()
    wheel(-100)
    scroller().scrollTop -= 100
    await painted()
    const before = seen()
    for (let n = 0; n < 1_000; n++) log.push(aMessage('more'))
    view.changed()
    await painted()

    expect(told).toBe(false)
    expect(seen()).toEqual(before)
  })

  it('ends when the reader takes hold of a line', async () => {
    view = new LogView(root, aLog(500))
    await painted()
    const row = root.querySelector('.headway-log__row') as HTMLElement
    row.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, button: 0 }))

    expect(view.following).toBe(false)
  })

  it('moves by the wheel exactly where the scroll bar is only proportional', async () => {
    view = new LogView(root, aLog(1_000_000))
    view.scrollToLine(600_000)
    await painted()
    const [first = 0] = seen()
    for (let n = 0; n < 5; n++) wheel(ROW * 3)
    await painted()

    expect(seen()[0]).toBe(first + 15)
  })
})

it('shows other lines when filtered, with their own numbers, and no line twice', async () => {
  const log = aLog(100)
  view = new LogView(root, log)
  await painted()
  for (const text of ['line 1', 'line 10', 'line 100']) {
    const filter = new LogSelection(log, logMatch({ ...EVERYTHING, text }))
    filter.advance()
    view.setSource(filter)
  }
  await painted()
  expect(seen()).toEqual([100])
  view.setSource(log)
  await painted()

  expect(seen()).toEqual(range(81, 100))
})

it('wraps long lines, and follows and scrolls among them', async () => {
  const log = new ChunkedLog()
  for (let n = 1; n <= 300; n++) log.push(aMessage(`line ${n} ${'word '.repeat(n % 3 === 0 ? 80 : 2)}`))
  view = new LogView(root, log)
  view.setWrap(true)
  await painted()
  expect(seen().at(-1)).toBe(300)
  const heights = [...root.querySelectorAll<HTMLElement>('.headway-log__row:not([hidden])')].map(
    row => row.offsetHeight,
  )
  expect(Math.max(...heights)).toBeGreaterThan(ROW)
  press('Home')
  await painted()
  expect(seen()[0]).toBe(1)
  wheel(-50)
  await painted()
  expect(seen()[0]).toBe(1)
  view.setWrap(false)
  await painted()

  expect(seen()).toEqual(range(1, HEIGHT / ROW))
})

describe('a log that is not all held', () => {
  const COUNT = 500_000

  /** Only the last 1,000 lines are held; `rows` lines a message where a chunk comes. */
  function aLateLog(rows = 1): { log: ChunkedLog; arrive: () => number[] } {
    const log = new ChunkedLog()
    const wanted = new Set<number>()
    log.fetchWith(chunk => wanted.add(chunk))
    log.begin(COUNT - 1_000)
    for (let n = COUNT - 999; n <= COUNT; n++) log.push(aMessage(`line ${n}`))
    const arrive = () => {
      const chunks = [...wanted]
      wanted.clear()
      for (const chunk of chunks) {
        const text = (at: number) =>
          Array(rows)
            .fill(`line ${chunk * 4_096 + at + 1}`)
            .join('\n')
        log.arrive(
          chunk,
          Array.from({ length: 4_096 }, (_, at) => aMessage(text(at))),
        )
      }
      view.changed()
      return chunks
    }
    return { log, arrive }
  }

  const text = () =>
    [...root.querySelectorAll('.headway-log__row:not([hidden]) .headway-log__text')].map(e => e.textContent)

  it('shows its end at once and asks for nothing', async () => {
    const { log, arrive } = aLateLog()
    view = new LogView(root, log)
    await painted()
    expect(seen().at(-1)).toBe(COUNT)
    expect(arrive()).toEqual([])
  })

  it('has its numbers before its lines, and the lines in the same place', async () => {
    const { log, arrive } = aLateLog()
    view = new LogView(root, log)
    view.scrollToLine(123_455)
    await painted()
    const before = seen()
    expect(before).toContain(123_456)
    expect(text()).not.toContain('line 123456')
    expect(arrive()).toEqual([30])
    await painted()

    expect(seen()).toEqual(before)
    expect(text()).toContain('line 123456')
  })

  it('stays at its line when what arrives has more rows than were thought', async () => {
    const { log, arrive } = aLateLog(3)
    view = new LogView(root, log)
    view.scrollToLine(123_455)
    await painted()
    const [first] = seen()
    arrive()
    await painted()

    expect(seen()[0]).toBe(first)
    expect(view.firstLine).toBeGreaterThan(123_455)
  })

  it('stays at the end, too, while it follows', async () => {
    const { log } = aLateLog()
    view = new LogView(root, log)
    await painted()
    log.arrive(
      0,
      Array.from({ length: 4_096 }, () => aMessage('a\nb\nc')),
    )
    view.changed()
    await painted()

    expect(seen().at(-1)).toBe(COUNT)
    expect(view.following).toBe(true)
  })

  it('keeps the reader at a line when a filter goes', async () => {
    const log = aLog(10_000)
    const filter = new LogSelection(log, logMatch({ ...EVERYTHING, minLevel: 3 }))
    filter.advance()
    view = new LogView(root, filter)
    view.scrollToLine(filter.indexOf(5_000, 0))
    await painted()
    const [first] = seen()
    view.setSource(log)
    await painted()

    expect(seen()[0]).toBe(first)
  })
})

describe('rows', () => {
  it('are in the document in the order of the screen, so that a selection is what it looks like', async () => {
    view = new LogView(root, aLog(5_000))
    view.scrollToLine(1_000)
    await painted()
    for (const key of ['ArrowDown', 'ArrowDown', 'PageUp', 'ArrowUp', 'PageDown', 'ArrowDown']) press(key)
    await painted()
    const numbers = [...root.querySelectorAll('.headway-log__row:not([hidden]) .headway-log__number')].map(
      e => Number(e.textContent),
    )

    expect(numbers).toEqual(range(numbers[0] ?? 0, (numbers[0] ?? 0) + numbers.length - 1))
  })

  it('copy as their text, without numbers, times and levels', async () => {
    view = new LogView(root, aLog(50))
    press('Home')
    await painted()
    const cells = root.querySelectorAll('.headway-log__row .headway-log__text')
    getSelection()?.setBaseAndExtent(cells[1]?.firstChild as Node, 2, cells[3]?.firstChild as Node, 4)
    const copied = new DataTransfer()
    cells[1]?.dispatchEvent(
      new ClipboardEvent('copy', { clipboardData: copied, bubbles: true, cancelable: true }),
    )

    expect(copied.getData('text/plain')).toBe('ne 2\nline 3\nline')
  })

  it('mark what is searched, across colours, and the lines that are chosen', async () => {
    const log = new ChunkedLog()
    log.push(aMessage('a \x1b[31mnee\x1b[32mdle\x1b[0m in <b>hay</b>'))
    view = new LogView(root, log)
    const pattern = /needle|<b>/g
    view.setLook({ ...PLAIN_LOOK, pattern, current: 1, selected: { first: 1, last: 3 } })
    await painted()
    const row = root.querySelector<HTMLElement>('.headway-log__row')

    expect([...(row?.querySelectorAll('mark') ?? [])].map(mark => mark.textContent)).toEqual([
      'nee',
      'dle',
      '<b>',
    ])
    expect(row?.querySelector('.headway-log__text')?.textContent).toBe('a needle in <b>hay</b>')
    expect([row?.dataset['selected'], row?.dataset['current']]).toEqual(['', ''])
  })

  it.each(['light', 'dark'])('can be read in every colour a program sets, in the %s theme', async theme => {
    document.documentElement.dataset['headwayTheme'] = theme
    const texts = ['7', '7;31', '7;97', '7;44', '44', '44;97', '41;37', '43;30', '102', '104;30', '100;97']
    const more = [
      '47',
      '47;30',
      '107;34',
      '40;32',
      '48;5;226',
      '48;5;226;30',
      '48;2;20;40;90',
      '7;44;97',
      '91',
    ]
    const log = new ChunkedLog()
    for (const codes of [...texts, ...more]) log.push(aMessage(`\x1b[${codes}m${codes}\x1b[0m`))
    view = new LogView(root, log)
    press('Home')
    await painted()
    const spans = [...root.querySelectorAll<HTMLElement>('.headway-log__text > span')]
    const faint = spans.filter(span => contrastOf(span) < (span.textContent === '7;44' ? 3 : 4.5))
    delete document.documentElement.dataset['headwayTheme']

    expect(spans).toHaveLength(texts.length + more.length)
    expect(faint.map(span => `${span.textContent} ${contrastOf(span)}`)).toEqual([])
  })

  it('lead to the addresses they name, and a press on one asks for nothing else', async () => {
    const acts: string[] = []
    const log = new ChunkedLog()
    log.push(aMessage('see https://example.org/a, or \x1b]8;;javascript:alert(1)\x07not\x1b]8;;\x07'))
    view = new LogView(root, log, { onAct: act => acts.push(act) })
    view.setLook({ ...PLAIN_LOOK, pattern: /example/g })
    await painted()
    const links = [...root.querySelectorAll('a')]
    links[0]?.addEventListener('click', event => event.preventDefault())
    links[0]?.click()

    expect(new Set(links.map(link => link.href))).toEqual(new Set(['https://example.org/a']))
    expect(links[0]?.rel).toBe('noopener noreferrer')
    expect(root.querySelector('.headway-log__text')?.textContent).toBe('see https://example.org/a, or not')
    expect(acts).toEqual([])
  })

  it('say what was pressed in them', async () => {
    const acts: [string, number][] = []
    const log = new ChunkedLog()
    log.push({ ...aMessage('x'), step: 'load#1' })
    log.begin(3)
    log.fail(0, 'The server cannot be reached.')
    view = new LogView(root, log, { onAct: (act, line) => acts.push([act, line.number]) })
    await painted()
    for (const name of ['number', 'time', 'text'])
      root.querySelector<HTMLElement>(`.headway-log__${name}`)?.click()
    root.querySelector<HTMLElement>('button')?.click()

    expect(root.textContent).toContain('not loaded: The server cannot be reached.')
    expect(acts).toEqual([
      ['line', 1],
      ['time', 1],
      ['text', 1],
      ['retry', 1],
    ])
  })
})

it('moves with the finger where the scroll bar is only proportional', async () => {
  view = new LogView(root, aLog(1_000_000))
  view.scrollToLine(600_000)
  await painted()
  const [first = 0] = seen()
  const touch = (clientY: number) => new Touch({ identifier: 1, target: scroller(), clientX: 10, clientY })
  const send = (type: string, y: number) =>
    scroller().dispatchEvent(
      new TouchEvent(type, {
        touches: type === 'touchend' ? [] : [touch(y)],
        bubbles: true,
        cancelable: true,
      }),
    )
  send('touchstart', 300)
  for (const y of [280, 240, 200]) send('touchmove', y)
  await painted()

  expect(seen()[0]).toBe(first + 5)
})

it('takes 10,000 lines a second for two seconds with the page still responsive', async () => {
  const log = aLog(1_000)
  view = new LogView(root, log)
  let frames = 0
  const began = performance.now()
  while (performance.now() - began < 2_000) {
    for (let n = 0; n < 167; n++) log.push(aMessage(`a line of a flood with some text to draw ${n}`))
    view.changed()
    await frame()
    frames += 1
  }
  await painted()

  expect(frames).toBeGreaterThan(30)
  expect(seen().at(-1)).toBe(log.count)
})
