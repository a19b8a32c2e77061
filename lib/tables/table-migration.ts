/**
 * Tables of our own as a migration, for projects that do not `synchronize`.
 *
 * Invariant: what it creates is what TypeORM would create from the entities of `table-entities.ts`.
 *
 * @module
 */
import { Table, TableIndex, type DataSource, type MigrationInterface, type QueryRunner, type TableColumnOptions } from 'typeorm'
import { assertWhole } from '../core/whole-number.js'
import type { DatabaseFamily } from './database-family.js'
import { columnTypeOf, type OwnColumn, type OwnTable } from './own-table.js'
import { assertSchema, type TablePlace } from './table-entities.js'

/** TypeORM reads the time out of the last 13 characters of a migration's name. */
const TIMESTAMPS = [1_000_000_000_000, 9_999_999_999_999] as const

export interface MigratedTables {
  /** The function that makes the migration, as messages name it. */
  readonly place: string
  /** The migration is called `Create<subject><timestamp>`. */
  readonly subject: string
  readonly timestamp: number
  readonly tables: readonly OwnTable[]
  readonly schema: string | undefined
  /** @throws When there are no statements for such a database. */
  familyOf(type: string): DatabaseFamily
}

/**
 * A migration that creates the tables; `down` drops them, the last one first.
 *
 * @throws {ConfigurationError} OPTION_INVALID, of SQLite also when it runs.
 */
export function tableMigration({ place, subject, timestamp, tables, schema, familyOf }: MigratedTables): new () => MigrationInterface {
  assertWhole(place, { timestamp }, TIMESTAMPS)
  const targetOf = (runner: QueryRunner) => {
    const { options } = dataSourceOf(runner)
    const target: TablePlace = { family: familyOf(options.type), schema }
    assertSchema(place, target)
    return target
  }
  return class implements MigrationInterface {
    readonly name = `Create${subject}${timestamp}`

    async up(runner: QueryRunner): Promise<void> {
      const target = targetOf(runner)
      await makeRoom(runner, target)
      for (const table of tables) await runner.createTable(migrationTable(table, runner, target), true)
    }

    async down(runner: QueryRunner): Promise<void> {
      const target = targetOf(runner)
      for (const table of [...tables].reverse()) await runner.dropTable(new Table({ name: pathOf(table, runner, target) }), true)
    }
  }
}

function dataSourceOf(runner: QueryRunner): DataSource {
  const { dataSource = runner.connection } = runner as { readonly dataSource?: DataSource } // its name in 1.x
  return dataSource
}

/** Asked for first: whoever may use a schema may not always create one. */
async function makeRoom(runner: QueryRunner, { schema, family }: TablePlace): Promise<void> {
  if (schema === undefined) return
  if (family === 'mysql' && !(await runner.hasDatabase(schema))) await runner.createDatabase(schema, true)
  if (family === 'postgres' && !(await runner.hasSchema(schema))) await runner.createSchema(schema, true)
}

function pathOf({ name }: OwnTable, runner: QueryRunner, { schema }: TablePlace): string {
  const { namingStrategy, options } = dataSourceOf(runner)
  const table = options.entityPrefix ? namingStrategy.prefixTableName(options.entityPrefix, name) : name
  return schema === undefined ? table : `${schema}.${table}`
}

function migrationTable(table: OwnTable, runner: QueryRunner, target: TablePlace): Table {
  const { columns, indices, collation } = table
  return new Table({
    name: pathOf(table, runner, target),
    columns: columns.map((column) => tableColumn(column, target.family, collation)),
    indices: indices.map(({ name, columns: names, isUnique = false }) => new TableIndex({ name, columnNames: [...names], isUnique })),
  })
}

function tableColumn(
  { name, kind, isPrimary, isNullable, default: value }: OwnColumn,
  family: DatabaseFamily,
  collation: string | undefined,
): TableColumnOptions {
  return {
    name,
    ...columnTypeOf(kind, family, collation),
    isPrimary: isPrimary === true,
    isNullable: isNullable === true,
    ...(kind === 'sequence' && { isGenerated: true, generationStrategy: 'increment' as const }),
    ...(value !== undefined && { default: family === 'sqlite' ? value : `'${value}'` }),
  }
}
