/** What starts the same execution from elsewhere: in a terminal, in Python, with curl. */

export type CallKind = 'cli' | 'python' | 'curl'

export type Call = {
  workflowId: string
  /** Path of the file that defines the workflow. */
  source: string
  input: unknown
  /** Address of the server, ending in a slash. */
  base: string
}

/** Text to paste; the token, where the server wants one, is left to the environment. */
export function callAs(kind: CallKind, call: Call): string {
  switch (kind) {
    case 'cli':
      return asCommand(call)
    case 'python':
      return asPython(call)
    case 'curl':
      return asCurl(call)
  }
}

function asCommand({ workflowId, source, input }: Call): string {
  const target = quoted(`${source || 'flows.py'}:${workflowId}`)
  const text = JSON.stringify(input)
  if (text === '{}') return `headway run ${target}`
  return `echo ${quoted(text)} |\n  headway run ${target} --json -`
}

function asPython({ workflowId, input, base }: Call): string {
  return `import asyncio

from headway.client import Client


async def main() -> None:
    async with Client(${JSON.stringify(base.replace(/\/$/, ''))}) as client:
        started = await client.start(${JSON.stringify(workflowId)}, ${pythonLiteral(input, 8)})
        print(started.execution_id)


asyncio.run(main())`
}

function asCurl({ workflowId, input, base }: Call): string {
  const address = `${base}api/workflows/${encodeURIComponent(workflowId)}/executions`
  return `curl -X POST ${quoted(address)} \\
  -H 'Content-Type: application/json' \\
  -d ${quoted(JSON.stringify({ input }))}`
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`
}

/** JSON as Python writes it; objects with more than one key take a line a key. */
export function pythonLiteral(value: unknown, indent = 0): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(each => pythonLiteral(each, indent)).join(', ')}]`
  if (typeof value !== 'object') return JSON.stringify(value)
  const inner = ' '.repeat(indent + 4)
  const entries = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}: ${pythonLiteral(each, indent + 4)}`,
  )
  if (entries.length < 2) return `{${entries.join('')}}`
  return `{\n${entries.map(entry => `${inner}${entry},\n`).join('')}${' '.repeat(indent)}}`
}
