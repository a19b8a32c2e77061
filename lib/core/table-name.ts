/**
 * What a table is called where somebody is told about it.
 *
 * Knows no connection: it is told what one takes for granted. Invariant: a table has one name, whether an entity, a statement or an
 * operation on the schema is about it.
 *
 * @module
 */
import { parse } from 'node:path'

/** A table as drivers take its path apart. */
export interface TablePath {
  readonly database?: string | undefined
  readonly schema?: string | undefined
  readonly tableName: string
}

/** What a connection takes for granted where a path does not say it: drivers have these. */
export interface ConnectionNames {
  readonly options: { readonly type: string }
  readonly database?: string | undefined
  readonly schema?: string | undefined
}

export interface TableName {
  readonly database: string
  readonly table: string
}

const FILES = new Set(['sqlite', 'better-sqlite3', 'sqljs', 'expo', 'capacitor', 'cordova', 'react-native', 'nativescript'])

/** A schema is named only where it is another one than the connection's; a database that is a file goes by the file's name. */
export function tableNameOf({ database, schema, tableName }: TablePath, connection: ConnectionNames): TableName {
  const isElsewhere = schema !== undefined && connection.schema !== undefined && schema !== connection.schema
  return {
    database: databaseNameOf(database ?? connection.database, connection.options.type),
    table: isElsewhere ? `${schema}.${tableName}` : tableName,
  }
}

/** Some drivers keep the content of a database, and no name. */
function databaseNameOf(database: unknown, type: string): string {
  if (typeof database !== 'string') return ''
  return FILES.has(type) ? parse(database).name : database
}
