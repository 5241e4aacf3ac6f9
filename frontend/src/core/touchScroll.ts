/** A finger moves lines where the scroll bar is only proportional, and lets them glide on when it is lifted. */

/** Of the speed, so much is left after each millisecond. */
const FRICTION = 0.997
const SLOWEST_PX_MS = 0.02

/** @param move lines by pixels; @param isOwn false leaves the browser to scroll by itself */
export function onTouchScroll(element: HTMLElement, isOwn: () => boolean, move: (px: number) => void): void {
  let lastX = 0
  let lastY = 0
  let lastAt = 0
  let speed = 0
  let frame = 0
  const glide = (at: number) => {
    const passed = Math.max(1, at - lastAt)
    lastAt = at
    move(speed * passed)
    speed *= FRICTION ** passed
    frame = Math.abs(speed) > SLOWEST_PX_MS && element.isConnected ? requestAnimationFrame(glide) : 0
  }
  element.addEventListener(
    'touchstart',
    event => {
      cancelAnimationFrame(frame)
      speed = 0
      lastX = event.touches[0]?.clientX ?? 0
      lastY = event.touches[0]?.clientY ?? 0
      lastAt = event.timeStamp
    },
    { passive: true },
  )
  element.addEventListener(
    'touchmove',
    event => {
      const { clientX: x, clientY: y } = event.touches[0] ?? { clientX: lastX, clientY: lastY }
      const isSideways = Math.abs(x - lastX) > Math.abs(y - lastY)
      lastX = x
      if (!isOwn() || event.touches.length !== 1 || isSideways) return
      event.preventDefault()
      const passed = Math.max(1, event.timeStamp - lastAt)
      speed = 0.7 * ((lastY - y) / passed) + 0.3 * speed
      move(lastY - y)
      lastY = y
      lastAt = event.timeStamp
    },
    { passive: false },
  )
  element.addEventListener(
    'touchend',
    event => {
      if (!isOwn() || event.timeStamp - lastAt > 80) return
      lastAt = performance.now()
      frame = requestAnimationFrame(glide)
    },
    { passive: true },
  )
}
