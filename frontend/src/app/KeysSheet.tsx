/** What the keys do, on one sheet. A chunk of its own. */

import { Modal } from '@mantine/core'
import { LIST_KEYS, SHELL_KEYS, WORKFLOW_KEYS } from './keySheets'

const SHEETS: readonly {
  title: string
  keys: readonly (readonly [key: string, what: string, ...unknown[]])[]
}[] = [
  {
    title: 'Everywhere',
    keys: [['Ctrl K or ⌘ K', 'Go to anything'], ...SHELL_KEYS],
  },
  { title: 'Workflows', keys: WORKFLOW_KEYS },
  {
    title: 'List of executions',
    keys: LIST_KEYS,
  },
  {
    title: 'Execution',
    keys: [
      ['1 – 3', 'Timeline, graph, steps'],
      ['4 – 6', 'Log, output, events'],
      ['/', 'Search the log'],
      ['c', 'Cancel; where that has no effect, force'],
      ['r', 'Run again'],
      ['p t', 'Select the parent of the step, its root'],
      ['Esc', 'Clear the step'],
    ],
  },
  {
    title: 'Steps, on the timeline or graph',
    keys: [
      ['↓ ↑', 'Next, previous step'],
      ['→ ←', 'Open, close; towards the end, the start of the graph'],
      ['Shift 0 – 9', 'Open so many levels, on the timeline or in the list'],
      ['+ - 0', 'Closer, further, all of it'],
      ['[ ]', 'Earlier, later, on the timeline'],
    ],
  },
  {
    title: 'Search of the log',
    keys: [
      ['Enter', 'Next match'],
      ['Shift Enter', 'Previous match'],
      ['↓', 'To the lines'],
    ],
  },
  {
    title: 'Lines of the log',
    keys: [
      ['Enter', 'Choose the match, or the line in view'],
      ['j k', 'Choose the next, the previous line'],
      ['Shift ↓ ↑', 'Choose more, or fewer'],
      ['n N', 'Next, previous match'],
      ['s', 'Only its step'],
      ['t w', 'Times, wrapping'],
      ['Home or g', 'First line'],
      ['End or G', 'Follow the newest'],
      ['Esc', 'Choose no line'],
    ],
  },
  {
    title: 'Run form',
    keys: [
      ['Ctrl Enter or ⌘ Enter', 'Run'],
      ['Shift with it', 'Run and stay'],
    ],
  },
]

export function KeysSheet({ onClose }: { onClose: () => void }) {
  return (
    <Modal
      opened
      onClose={onClose}
      title="Keys"
      centered
      size="lg"
      lockScroll={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <div className="app-keys">
        {SHEETS.map(sheet => (
          <section key={sheet.title}>
            <h3>{sheet.title}</h3>
            <dl>
              {sheet.keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  )
}
