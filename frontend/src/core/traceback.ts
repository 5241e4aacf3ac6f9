/**
 * A Python traceback taken apart: errors, the first to be raised last; frames, those of libraries told from one's own.
 *
 * What is not understood stays as text: nothing of a traceback is lost but its headings.
 */

export type Frame = {
  readonly file: string
  readonly line: number
  readonly name: string
  /** The source line, and the marks below it. */
  readonly code: string[]
  readonly isOwn: boolean
}
/** Why an error stands below another: it was its cause, it was being handled, or it is one of a group. */
export type Link = 'cause' | 'context' | 'member'
export type RaisedError = {
  readonly frames: Frame[]
  /** The error as Python prints it below the frames: one line, or several. */
  readonly text: string
  /** How it led to the error before it in the list; null for the one that ended the step. */
  readonly link: Link | null
}

const LINKS: Record<string, Link> = {
  'The above exception was the direct cause of the following exception:': 'cause',
  'During handling of the above exception, another exception occurred:': 'context',
}
const HEADING = /^(Exception Group )?Traceback \(most recent call last\):$/
const FRAME = /^ {2}File "(.+)", line (\d+)(?:, in (.+))?$/
const LIBRARY =
  /[\\/](site-packages|dist-packages)[\\/]|[\\/]lib[\\/]python3[^\\/]*[\\/]|^<frozen |[\\/]Lib[\\/]/
/** What Python draws around the members of a group. */
const GROUP = /^( *\+-)?[ |]*[|+] ?-*( \d+ -+)?/

/** The errors of a traceback, the one that ended the step first, then what led to it. */
export function parseTraceback(traceback: string): RaisedError[] {
  const errors: { frames: Frame[]; lines: string[]; link: Link | null }[] = []
  let current = { frames: [] as Frame[], lines: [] as string[], link: null as Link | null }
  const finish = (link: Link | null) => {
    if (current.frames.length + current.lines.length > 0) errors.push({ ...current, link })
    current = { frames: [], lines: [], link: null }
  }
  for (const raw of traceback.split('\n')) {
    const isMember = /^ *\+-+( \d+ -+)?/.test(raw)
    const line = /^ *[|+]/.test(raw) ? raw.replace(GROUP, '') : raw
    const link = LINKS[line.trim()]
    if (link) finish(link)
    else if (isMember) finish('member')
    else if (HEADING.test(line.trim())) {
      if (current.lines.length > 0) finish('member')
    } else readLine(current, line)
  }
  finish(null)
  return errors
    .toReversed()
    .map(({ frames, lines, link }) => ({ frames, text: lines.join('\n').trimEnd(), link }))
}

function readLine({ frames, lines }: { frames: Frame[]; lines: string[] }, line: string): void {
  const found = FRAME.exec(line)
  const last = frames.at(-1)
  if (found && lines.length === 0) {
    const [, file = '', number = '', name = '<module>'] = found
    frames.push({ file, line: Number(number), name, code: [], isOwn: !LIBRARY.test(file) })
  } else if (last && lines.length === 0 && line.startsWith('  ')) last.code.push(line.slice(4))
  else if (line.trim() !== '' || lines.length > 0) lines.push(line)
}

export type Stretch = { readonly isOwn: boolean; readonly frames: readonly Frame[] }

/** Frames in stretches of one's own and of libraries; where none is one's own, the last stands open as if it were. */
export function stretchesOf(frames: readonly Frame[]): Stretch[] {
  const hasOwn = frames.some(({ isOwn }) => isOwn)
  const stretches: { isOwn: boolean; frames: Frame[] }[] = []
  frames.forEach((frame, index) => {
    const isOwn = hasOwn ? frame.isOwn : index === frames.length - 1
    const last = stretches.at(-1)
    if (last?.isOwn === isOwn) last.frames.push(frame)
    else stretches.push({ isOwn, frames: [frame] })
  })
  return stretches
}
