/**
 * Which row each record that came back is about: by number, by key, or by the order of keys that count up.
 *
 * Sends nothing. Invariant: two keys are the same where the column says so, since databases give keys back in a form of their own.
 *
 * @module
 */
import { keyId, type EntityMap } from '../../session/entity-map.js'
import type { WriteRow } from '../../session/persistence.js'
import { ROW_NUMBER } from './set-strategy.js'

export type Raw = Record<string, unknown>
export type Told = ReadonlyMap<WriteRow, Raw>

export function missing(rows: readonly WriteRow[], found: Told): readonly WriteRow[] {
  return rows.filter((row) => !found.has(row))
}

export function byNumber(rows: readonly WriteRow[], records: readonly Raw[]): Told {
  return new Map(records.map((raw) => [rows[Number(raw[ROW_NUMBER]) - 1]!, raw]))
}

/**
 * Rows are inserted in the order of the batch, and keys that count up tell that order; undefined where they do not, by a default, trigger or
 * sequence of somebody's own.
 */
export function byOrder(rows: readonly WriteRow[], records: readonly Raw[], name: string): Told | undefined {
  const isUp = records.every((raw, index) => index === 0 || isLess(records[index - 1]![name], raw[name]))
  return isUp ? new Map(records.map((raw, index) => [rows[index]!, raw])) : undefined
}

export interface Keys {
  readonly map: EntityMap
  /** The parts of a row's key. */
  ofRow(row: WriteRow, index: number): readonly unknown[]
  ofRecord(raw: Raw): readonly unknown[]
}

/** Most keys are the same as texts; what is left over is compared part by part. */
export function byKey(rows: readonly WriteRow[], records: readonly Raw[], keys: Keys): Told {
  const left = new Map(records.map((raw) => [keyId({ ...keys.ofRecord(raw) }), raw]))
  const found = new Map<WriteRow, Raw>()
  const unpaired: (readonly [WriteRow, readonly unknown[]])[] = []
  for (const [index, row] of rows.entries()) {
    const parts = keys.ofRow(row, index)
    const id = keyId({ ...parts })
    const raw = left.get(id)
    if (raw === undefined) unpaired.push([row, parts])
    else if (left.delete(id)) found.set(row, raw)
  }
  if (left.size === 0) return found
  const others = [...left.values()].map((raw) => [raw, keys.ofRecord(raw)] as const)
  for (const [row, parts] of unpaired) {
    const other = others.find(([, theirs]) => isSameKey(keys.map, parts, theirs))
    if (other !== undefined) found.set(row, others.splice(others.indexOf(other), 1)[0]![0])
  }
  return found
}

export function isSameKey({ keyColumns }: EntityMap, one: readonly unknown[], other: readonly unknown[]): boolean {
  return keyColumns.every((column, index) => column.isSame(one[index], other[index]))
}

/** Numbers too large for JavaScript come as texts. */
function isLess(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a < b
  return WHOLE.test(String(a)) && WHOLE.test(String(b)) && BigInt(String(a)) < BigInt(String(b))
}

const WHOLE = /^-?\d+$/
