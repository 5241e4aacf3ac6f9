/**
 * A list of rows that does not move under the pointer: rows that are shown change in place, and new ones wait
 * until the reader asks for them.
 */

export type Identified = { readonly execution_id: string }

export type RowList<Row extends Identified> = {
  /** Ids of the rows that are shown, in their places. */
  readonly shown: readonly string[]
  readonly rows: ReadonlyMap<string, Row>
  /** Ids of newer ones, newest first. */
  readonly waiting: readonly string[]
}

export function emptyRowList<Row extends Identified>(): RowList<Row> {
  return { shown: [], rows: new Map(), waiting: [] }
}

/**
 * Take in the newest page as the server has it now.
 *
 * @param page newest first; an empty list is filled by it
 */
export function mergePage<Row extends Identified>(list: RowList<Row>, page: readonly Row[]): RowList<Row> {
  const rows = new Map(list.rows)
  for (const row of page) rows.set(row.execution_id, row)
  if (list.shown.length === 0) return { shown: page.map(row => row.execution_id), rows, waiting: [] }
  const shown = new Set(list.shown)
  const ids = page.map(row => row.execution_id)
  const known = ids.findIndex(id => shown.has(id))
  // What is above the first row that is shown is newer, by the server's order: ids are of a clock.
  const newer = known < 0 ? ids : ids.slice(0, known)
  return { shown: list.shown, rows, waiting: union(newer, list.waiting) }
}

/** Change rows that are shown; what is not shown is left alone. */
export function patchRows<Row extends Identified>(
  list: RowList<Row>,
  patches: readonly (Partial<Row> & Identified)[],
): RowList<Row> {
  let rows: Map<string, Row> | null = null
  for (const patch of patches) {
    const known = list.rows.get(patch.execution_id)
    if (!known) continue
    rows ??= new Map(list.rows)
    rows.set(patch.execution_id, { ...known, ...patch })
  }
  return rows ? { ...list, rows } : list
}

/** Put the waiting rows on top, and keep the page at its size. */
export function showWaiting<Row extends Identified>(list: RowList<Row>, size: number): RowList<Row> {
  const shown = [...list.waiting, ...list.shown].slice(0, size)
  const rows = new Map(shown.flatMap(id => entryOf(list.rows, id)))
  return { shown, rows, waiting: [] }
}

/** The rows that are shown, in their places. */
export function shownRows<Row extends Identified>({ shown, rows }: RowList<Row>): Row[] {
  return shown.flatMap(id => rows.get(id) ?? [])
}

function entryOf<Row>(rows: ReadonlyMap<string, Row>, id: string): [string, Row][] {
  const row = rows.get(id)
  return row === undefined ? [] : [[id, row]]
}

function union(newer: readonly string[], older: readonly string[]): string[] {
  const known = new Set(newer)
  return [...newer, ...older.filter(id => !known.has(id))]
}
