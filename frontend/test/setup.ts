/** What jsdom lacks, and what every component test starts from. */

import '@testing-library/jest-dom/vitest'
import { cleanup } from '@testing-library/react'
import { afterEach, vi } from 'vitest'
import { WebSocket } from 'ws'

// jsdom's own fires Node's events, which the page's EventTarget then refuses.
vi.stubGlobal('WebSocket', WebSocket)

afterEach(cleanup)
