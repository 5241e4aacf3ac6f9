/** What the keys do, on one sheet. A chunk of its own. */

import { Modal } from '@mantine/core'

const SHEETS: readonly { title: string; keys: readonly (readonly [string, string])[] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['Ctrl K or ⌘ K', 'Go to anything'],
      ['g w', 'Workflows'],
      ['g e', 'Executions'],
      ['g a', 'Approvals'],
      ['g s', 'Settings'],
      ['?', 'This sheet'],
    ],
  },
  {
    title: 'List of executions',
    keys: [
      ['j k', 'Next, previous'],
      ['Enter', 'Open'],
      ['x', 'Select'],
      ['c', 'Cancel what is selected, or this one'],
      ['r', 'Run again'],
      ['f or /', 'Filter by text'],
      ['G', 'Show new ones'],
      ['Esc', 'Select nothing'],
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
