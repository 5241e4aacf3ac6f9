/** `<headway-execution>`: the monitor as an element of its own, with its styles and its framework inside. */

import { createRoot, type Root } from 'react-dom/client'
import type { TokenSource } from '../../../src/api/token'
import { WorkflowExecutionMonitor } from '../../../src/components/WorkflowExecutionMonitor'
import type { ExecutionResult } from '../../../src/core/events'

declare global {
  interface HTMLElementTagNameMap {
    'headway-execution': HeadwayExecution
  }
}

/**
 * Shows an execution live.
 *
 *     <headway-execution workflow="import_pages" server="https://headway.example.com/"></headway-execution>
 *
 * Attributes: `workflow`, its id; `execution`, to show this one alone; `server`, where Headway answers (by default
 * the page's own origin); `log="off"` and `steps="off"` leave a part out. Colours, fonts and sizes are the
 * `--headway-*` variables: set them on the element. Where the server asks for a token and the page is of another origin,
 * set the property `token` to a function that gives one. When an execution ends, a `complete` event has its result as
 * `detail`.
 */
export class HeadwayExecution extends HTMLElement {
  static readonly observedAttributes = ['workflow', 'execution', 'server', 'log', 'steps']

  #root: Root | null = null
  #token: TokenSource | undefined

  /** Gives the token of who looks; called before each try. */
  get token(): TokenSource | undefined {
    return this.#token
  }

  set token(token: TokenSource | undefined) {
    this.#token = token
    this.#render()
  }

  connectedCallback(): void {
    const shadow = this.shadowRoot ?? this.#shadow()
    this.#root = createRoot(shadow)
    this.#render()
  }

  disconnectedCallback(): void {
    this.#root?.unmount()
    this.#root = null
  }

  attributeChangedCallback(): void {
    this.#render()
  }

  #shadow(): ShadowRoot {
    const shadow = this.attachShadow({ mode: 'open' })
    shadow.adoptedStyleSheets = [sheet()]
    return shadow
  }

  #render(): void {
    const workflow = this.getAttribute('workflow') ?? this.getAttribute('execution')
    if (!this.#root || !workflow) return
    this.#root.render(
      <WorkflowExecutionMonitor
        workflowId={workflow}
        executionId={this.getAttribute('execution') ?? undefined}
        apiBase={this.getAttribute('server') ?? undefined}
        token={this.#token}
        showLog={this.getAttribute('log') !== 'off'}
        showSteps={this.getAttribute('steps') !== 'off'}
        onExecutionComplete={result => this.#complete(result)}
      />,
    )
  }

  #complete(result: ExecutionResult): void {
    this.dispatchEvent(new CustomEvent('complete', { detail: result, bubbles: true, composed: true }))
  }
}

let shared: CSSStyleSheet | null = null

/** One sheet for every element of the page. */
function sheet(): CSSStyleSheet {
  if (!shared) {
    shared = new CSSStyleSheet()
    shared.replaceSync(__HEADWAY_STYLES__)
  }
  return shared
}

/** The components' styles with `:host` in place of `:root`; put in by the build. */
declare const __HEADWAY_STYLES__: string

if (!customElements.get('headway-execution')) customElements.define('headway-execution', HeadwayExecution)
