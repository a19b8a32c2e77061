/**
 * Schema changes as hooks are told of them, and the tables specs make for it.
 *
 * @module
 */
import { SessionExtension, type SchemaChange, type SessionExtensionInput } from 'flushpoint'
import { Table, TableColumn, TableForeignKey, TableIndex, type DataSource, type QueryRunner } from 'typeorm'
import { databaseName } from './databases.js'
import type { Hooks } from './hooks.js'

/** As `hooks`, but as a class: what is listed by a function is not there while a data source is initialised. */
export function hookClass(own: Hooks): SessionExtensionInput {
  class Hooked extends SessionExtension {}
  Object.assign(Hooked.prototype, own)
  return Hooked
}

export interface SchemaLog {
  readonly extension: SessionExtensionInput
  readonly changes: SchemaChange[]
  /** What was told since it was last asked, in short: `createTable shelf`, `renameTable shelf -> rack`. */
  told(): string[]
}

export function schemaLog(): SchemaLog {
  const changes: SchemaChange[] = []
  let asked = 0
  const extension = class SchemaLogExtension extends SessionExtension {
    override afterSchemaChange(change: SchemaChange) {
      changes.push(change)
    }
  }
  return {
    extension,
    changes,
    told: () => {
      const fresh = changes.slice(asked)
      asked = changes.length
      return fresh.map(({ kind, oldTable, table }) => `${kind} ${oldTable === undefined ? '' : `${oldTable} -> `}${table}`)
    },
  }
}

/** What is right on one database and another on others. */
export function onDatabase<T>({ sqlite, postgres, mariadb }: { readonly sqlite: T; readonly postgres: T; readonly mariadb: T }): T {
  return { sqlite, 'better-sqlite3': sqlite, postgres, mariadb }[databaseName()]
}

export const INT = onDatabase({ sqlite: 'integer', postgres: 'integer', mariadb: 'int' })
/** As the database calls it. */
export const TEXT = onDatabase({ sqlite: 'varchar', postgres: 'character varying', mariadb: 'varchar' })

export function column(name: string, options: Partial<ConstructorParameters<typeof TableColumn>[0]> = {}): TableColumn {
  return new TableColumn({ name, type: 'varchar', length: '40', ...options })
}

export function idColumn(): TableColumn {
  return new TableColumn({ name: 'id', type: INT, isPrimary: true, isGenerated: true, generationStrategy: 'increment' })
}

/** A table with a key, a name that has a default, and a note that may be missing. */
export function shelf(name = 'shelf'): Table {
  return new Table({ name, columns: [idColumn(), column('name', { default: "'x'" }), column('note', { isNullable: true })] })
}

/** A table that may refer to a shelf. */
export function box(): Table {
  return new Table({ name: 'box', columns: [idColumn(), new TableColumn({ name: 'shelfId', type: INT, isNullable: true })] })
}

export const toShelf = () =>
  new TableForeignKey({ name: 'fk_box', columnNames: ['shelfId'], referencedTableName: 'shelf', referencedColumnNames: ['id'] })
export const onName = () => new TableIndex({ name: 'by_name', columnNames: ['name'] })

export async function withRunner<T>(dataSource: DataSource, fn: (runner: QueryRunner) => Promise<T>): Promise<T> {
  const runner = dataSource.createQueryRunner()
  try {
    return await fn(runner)
  } finally {
    await runner.release()
  }
}

/** The database's name, as events tell it. */
export function databaseOf({ options }: DataSource): string {
  const { database, url } = options as { readonly database?: string; readonly url?: string }
  return onDatabase({
    sqlite: () => database!.split('/').at(-1)!.replace('.sqlite', ''),
    postgres: () => new URL(url!).pathname.slice(1),
    mariadb: () => database!,
  })()
}
