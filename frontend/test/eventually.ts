/** Wait until something holds, for tests at the edges where real sockets and timers are at work. */
export async function eventually(holds: () => boolean, withinMs = 5_000): Promise<void> {
  const until = Date.now() + withinMs
  while (!holds()) {
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms: ${holds}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
