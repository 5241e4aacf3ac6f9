/** Offers to load the page anew once the server is another than the page came from. */

import { Button } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useServer } from './useServer'

export function NewVersion() {
  const isNew = useIsNew()
  if (!isNew) return null
  return (
    <div className="app-new-version" role="status">
      There is a new version of Headway.
      <Button size="xs" onClick={() => location.reload()}>
        Reload
      </Button>
    </div>
  )
}

/** Another version answers, or a part of this one is gone from the server. */
function useIsNew(): boolean {
  const { data } = useServer()
  const first = useRef<string | undefined>(undefined)
  const [isGone, setIsGone] = useState(false)
  first.current ??= data?.version
  useEffect(() => {
    const onGone = (event: Event) => {
      event.preventDefault() // else it ends as an error of the page
      setIsGone(true)
    }
    addEventListener('vite:preloadError', onGone)
    return () => removeEventListener('vite:preloadError', onGone)
  }, [])
  return isGone || (data !== undefined && data.version !== first.current)
}
