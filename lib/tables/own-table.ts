/**
 * How a table of our own is described: once, whatever database it is in, for its entity and its migration alike.
 *
 * Knows no table and no statement. Invariant: a kind of column is the same type in both.
 *
 * @module
 */
import type { DatabaseFamily } from './database-family.js'

/** What a column holds; each database has a type for it. A number is the length of a `varchar`. */
export type ColumnKind = 'sequence' | 'bigint' | 'int' | 'smallint' | 'text' | 'json' | number

export interface OwnColumn {
  readonly name: string
  readonly kind: ColumnKind
  readonly isPrimary?: true
  readonly isNullable?: true
  readonly default?: number
}

export interface OwnTable {
  /** Of the entity. */
  readonly entity: string
  readonly name: string
  readonly columns: readonly OwnColumn[]
  readonly indices: readonly { readonly name: string; readonly columns: readonly string[]; readonly isUnique?: true }[]
  /** How PostgreSQL compares its texts. @defaultValue as the database does */
  readonly collation?: string
}

export interface ColumnType {
  readonly type: string
  readonly length?: string
  readonly charset?: string
  readonly collation?: string
}

/** As what is written is compared elsewhere: `Film` is not `film`, and every character there is can be kept. */
const EXACT_TEXT = { charset: 'utf8mb4', collation: 'utf8mb4_bin' } as const

/** TypeORM's options for the type of a column. */
export function columnTypeOf(kind: ColumnKind, family: DatabaseFamily, collation?: string): ColumnType {
  const postgresText = family === 'postgres' && collation !== undefined ? { collation } : {}
  const text = family === 'mysql' ? EXACT_TEXT : postgresText
  if (typeof kind === 'number') return { type: 'varchar', length: String(kind), ...text }
  if (family === 'sqlite' && (kind === 'sequence' || kind === 'int')) return { type: 'integer' } // what TypeORM makes of an int there
  if (kind === 'sequence') return { type: 'bigint' }
  if (kind === 'json' && family === 'postgres') return { type: 'json' } // jsonb refuses characters that JSON may hold
  if (kind === 'text' || kind === 'json') return { type: family === 'mysql' ? 'longtext' : 'text', ...text } // a text of MySQL ends after 64 KiB
  return { type: kind }
}
