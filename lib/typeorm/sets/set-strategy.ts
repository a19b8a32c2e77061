/**
 * What one database needs in order to write many rows by one statement: the interface all strategies share, and the plain data they get.
 *
 * Knows no entity and no plan. Invariant: values travel as bound parameters only, names go through the driver's escaping, and a value a
 * strategy cannot carry exactly is refused before anything is sent.
 *
 * @module
 */
import type { ColumnMetadata } from '../internals.js'

/** How values of one column travel. */
export interface Codec {
  /** The type of the carrying column, in the database's own words. */
  readonly type: string
  /** What is bound for a value as the driver would have got it; never called with null. @throws {Unsendable} */
  encode(value: unknown): unknown
  /** False where a column that a row leaves as it is would not come out the same beside carried values. */
  readonly isMaskable?: boolean
  /** Makes the column's value of the carried one, in SQL. */
  decode(sql: string): string
}

/** Says why rows have to be written one by one. */
export class Unsendable extends Error {}

/** One column of many rows. */
export interface SetColumn {
  /** Escaped. */
  readonly name: string
  readonly codec: Codec
  /** Encoded, one for each row. */
  readonly values: readonly unknown[]
  /** What the column gets in rows whose mask leaves it out; without it the column keeps its value there. */
  readonly otherwise?: FixedValue | undefined
}

/** `increment`: one more than it was · `now`: the time of the statement · `same`: what it was, said aloud · else that value, bound. */
export type FixedValue = 'increment' | 'now' | 'same' | 'null' | { readonly value: unknown }

export interface FixedColumn {
  /** Escaped. */
  readonly name: string
  readonly fixed: FixedValue
}

export interface SetBatch {
  /** Escaped, with its schema. */
  readonly table: string
  readonly size: number
  /** What finds a row; empty for an insert. */
  readonly keys: readonly SetColumn[]
  /** Whether a key finds one row at most: not where all junction rows of one side go. */
  readonly isUnique: boolean
  /** The version each row must still have. */
  readonly version: SetColumn | undefined
  readonly columns: readonly SetColumn[]
  /** Where rows change different columns: for each row which of the columns, the first one as bit 0. */
  readonly masks: readonly number[] | undefined
  /** Columns with one value, or one rule, for all rows. */
  readonly fixed: readonly FixedColumn[]
  /** Of a class that shares its table: the discriminators its rows have. */
  readonly only: { readonly name: string; readonly values: readonly unknown[] } | undefined
  /** Names of columns whose values are wanted back, escaped. */
  readonly returning: readonly string[]
  /** Of an update or delete: whether the rows that were found are to be told. */
  readonly tells: boolean
}

export interface SetText {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

export type WriteKind = 'insert' | 'update' | 'delete'

/** How one kind of database is written to, many rows at a time. */
export interface SetStrategy {
  /** How many rows one statement takes at most. */
  readonly maxRows: number
  /** How much one statement carries at most, by {@link weigh}. */
  readonly maxWeight: number
  /** Whether a column that is not given gets the default of the table; on SQLite TypeORM gives it null. */
  readonly hasOwnDefaults: boolean
  /** How a statement tells which rows it has found: by their number in the batch, by their keys, or not at all. */
  tellsBy(kind: WriteKind, batch: Pick<SetBatch, 'keys' | 'version'>): 'number' | 'key' | undefined
  /** How values of a column travel, as the key to a row or to be stored. @throws {Unsendable} */
  codecOf(column: ColumnMetadata, role: 'key' | 'value'): Codec
  weigh(value: unknown): number
  insert(batch: SetBatch): SetText
  update(batch: SetBatch): SetText
  delete(batch: SetBatch): SetText
  /** The rows that are there (in the wanted version): their number in the batch, from 1, and the columns of `returning`; locked where asked. */
  select(batch: SetBatch, lock: boolean): SetText
}

export const ROW_NUMBER = 'flushpoint_row'
export const AS_IS = (sql: string): string => sql

/** Columns of a batch in the order in which they travel: `v.c0`, `v.c1`, … */
export function carried({ keys, version, columns }: SetBatch): readonly SetColumn[] {
  return version === undefined ? [...keys, ...columns] : [...keys, version, ...columns]
}

/** Writes the parts of statements that are alike everywhere; collects their parameters. */
export class SetSql {
  readonly parameters: unknown[] = []
  readonly #batch: SetBatch
  readonly #bind: (position: number) => string

  constructor(batch: SetBatch, bind: (position: number) => string) {
    this.#batch = batch
    this.#bind = bind
  }

  bind(value: unknown): string {
    this.parameters.push(value)
    return this.#bind(this.parameters.length)
  }

  /** `t.id = v.c0 AND t.version = v.c1`; `unindexed` stands before a condition whose index would be the wrong one to use. */
  match(unindexed = ''): string {
    const { keys, version, only } = this.#batch
    const found = [...keys, ...(version === undefined ? [] : [version])]
    const parts = found.map(({ name, codec }, index) => `t.${name} = ${codec.decode(`v.c${index}`)}`)
    if (only !== undefined) parts.push(`${unindexed}t.${this.only()}`)
    return parts.join(' AND ')
  }

  /** `type IN (?, ?)` */
  only(): string {
    const { name, values } = this.#batch.only!
    return `${name} IN (${values.map((value) => this.bind(value)).join(', ')})`
  }

  /** `a = v.c2`, or, where rows change different columns, `a = CASE WHEN v.m & 1 <> 0 THEN v.c2 ELSE t.a END` */
  assignments(prefix = ''): string {
    const { columns, masks, fixed } = this.#batch
    const first = carried(this.#batch).length - columns.length
    const changed = columns.map(({ name, codec, otherwise }, index) => {
      const value = codec.decode(`v.c${first + index}`)
      if (masks === undefined) return `${prefix}${name} = ${value}`
      return `${prefix}${name} = CASE WHEN v.m & ${2 ** index} <> 0 THEN ${value} ELSE ${this.fixed(name, otherwise ?? 'same')} END`
    })
    return [...changed, ...fixed.map((one) => `${prefix}${one.name} = ${this.fixed(one.name, one.fixed)}`)].join(', ')
  }

  fixed(name: string, fixed: FixedValue): string {
    if (fixed === 'increment') return `t.${name} + 1`
    if (fixed === 'now') return 'CURRENT_TIMESTAMP'
    if (fixed === 'null') return 'NULL'
    return fixed === 'same' ? `t.${name}` : this.bind(fixed.value)
  }

  /** `INSERT INTO … (…) SELECT … FROM <source> ORDER BY …`; parameters are bound in the order of the text. */
  insert(source: () => string): string {
    const { table, columns, fixed } = this.#batch
    const names = [...columns, ...fixed].map(({ name }) => name)
    const values = [
      ...columns.map(({ codec }, index) => codec.decode(`v.c${index}`)),
      ...fixed.map((one) => this.fixed(one.name, one.fixed)),
    ]
    return `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} FROM ${source()} ORDER BY v.o`
  }

  /** `RETURNING id, …`, or nothing */
  returning(prefix = ''): string {
    const { returning } = this.#batch
    return returning.length === 0 ? '' : ` RETURNING ${returning.map((name) => `${prefix}${name}`).join(', ')}`
  }
}
