/** What is missing of a log, fetched as it comes into view. */

import { useEffect, useRef } from 'react'
import type { LogApi } from '../api/log'
import { ChunkLoader } from '../core/chunkLoader'
import type { ChunkedLog } from '../core/chunks'

/** @param onChange a chunk has arrived, or could not be fetched; keep it stable */
export function useLogChunks(log: ChunkedLog, api: LogApi | null, onChange: () => void): void {
  // Another log of the same execution means that its history was reset: chunks that are cached may be of the old one.
  const known = useRef({ api, log, fresh: false })
  if (known.current.log !== log || known.current.api !== api) {
    const { api: before, log: old, fresh } = known.current
    known.current = { api, log, fresh: before === api && (fresh || old.messages > 0) }
  }
  useEffect(() => {
    if (!api) return
    const { fresh } = known.current
    const loader = new ChunkLoader(log, (chunk, signal) => api.chunk(chunk, signal, fresh), onChange)
    return () => loader.stop()
  }, [log, api, onChange])
}
