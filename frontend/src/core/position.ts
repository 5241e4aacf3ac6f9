/**
 * Where a viewer is in an execution's log, and the hash chain that proves it.
 *
 * `tag(0) = crc32(epoch)` and `tag(n) = crc32(line n + newline, tag(n-1))`, as in
 * `backend/src/headway/domain/position.py`; both are held to `protocol/fixtures/tags.json`.
 */

export type Cursor = { readonly epoch: string; readonly seq: number; readonly tag: number }

const CURSOR = /^([0-9a-f]+)\.(\d{1,16})\.([0-9a-f]{1,8})$/
const POLYNOMIAL = 0xedb88320
/** Bytes taken in one step: a table for each. */
const STRIDE = 8
const TABLES = crcTables()

/** Read the text form; null where it is none. */
export function parseCursor(text: unknown): Cursor | null {
  const parts = typeof text === 'string' ? CURSOR.exec(text) : null
  if (!parts) return null
  const [, epoch = '', digits, tag = ''] = parts
  const seq = Number(digits)
  return Number.isSafeInteger(seq) ? { epoch, seq, tag: Number.parseInt(tag, 16) } : null
}

export function formatCursor({ epoch, seq, tag }: Cursor): string {
  return `${epoch}.${seq}.${tag.toString(16).padStart(8, '0')}`
}

/** Tag of the empty log of this epoch. */
export function initialTag(epoch: string): number {
  return crc32(new TextEncoder().encode(epoch))
}

/** Tag after `body`: the bytes of one or more stored lines, each ended by a newline. */
export function chain(tag: number, body: Uint8Array): number {
  return crc32(body, tag)
}

/** CRC-32 as zlib has it, going on from `seed`; about 1 GB/s. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES
  let crc = ~seed
  let at = 0
  // Indexes below are within their tables by construction; `?? 0` would halve the speed.
  const byte = (offset: number) => bytes[at + offset] as number
  for (const last = bytes.length - STRIDE; at <= last; at += STRIDE) {
    const low = crc ^ (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24))
    crc =
      (t7[low & 255] as number) ^
      (t6[(low >>> 8) & 255] as number) ^
      (t5[(low >>> 16) & 255] as number) ^
      (t4[low >>> 24] as number) ^
      (t3[byte(4)] as number) ^
      (t2[byte(5)] as number) ^
      (t1[byte(6)] as number) ^
      (t0[byte(7)] as number)
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ (t0[(crc ^ byte(0)) & 255] as number)
  return ~crc >>> 0
}

type Table = Int32Array
type Tables = readonly [Table, Table, Table, Table, Table, Table, Table, Table]

function crcTables(): Tables {
  const tables = Array.from({ length: STRIDE }, () => new Int32Array(256))
  const [first] = tables as [Table]
  for (let value = 0; value < 256; value++) {
    let crc = value
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    first[value] = crc
  }
  for (let index = 1; index < STRIDE; index++) {
    const [before, table] = [tables[index - 1] as Table, tables[index] as Table]
    for (let value = 0; value < 256; value++) {
      const crc = before[value] as number
      table[value] = (crc >>> 8) ^ (first[crc & 255] as number)
    }
  }
  return tables as unknown as Tables
}
