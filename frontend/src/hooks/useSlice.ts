/** A slice of an execution's store: the component renders when the store flushes a change of it. */

import { useCallback, useSyncExternalStore } from 'react'
import type { ConnectionSlice, ExecutionStore, SliceName, Slices } from '../core/store'

export function useSlice<Name extends SliceName>(store: ExecutionStore, name: Name): Slices[Name] {
  const subscribe = useCallback((listener: () => void) => store.subscribe(name, listener), [store, name])
  return useSyncExternalStore(subscribe, () => store.get(name))
}

/** How the connection of a store stands, and when it was last heard of. */
export function useConnection(store: ExecutionStore): ConnectionSlice {
  return useSlice(store, 'connection')
}
