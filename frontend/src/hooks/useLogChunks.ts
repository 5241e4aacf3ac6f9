/** What is missing of a log, fetched as it comes into view. */

import { useEffect } from 'react'
import type { LogApi } from '../api/log'
import { ChunkLoader } from '../core/chunkLoader'
import type { LogSlice } from '../core/store'

/** @param onChange a chunk has arrived, or could not be fetched; keep it stable */
export function useLogChunks({ log, end }: LogSlice, api: LogApi | null, onChange: () => void): void {
  useEffect(() => {
    if (!api) return
    const loader = new ChunkLoader(log, (chunk, signal) => api.chunk(chunk, signal, end), onChange)
    return () => loader.stop()
  }, [log, end, api, onChange])
}
