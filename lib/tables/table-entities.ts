/**
 * Tables of our own as entities, for `entities` of a DataSource, for `synchronize` and for `migration:generate`.
 *
 * Invariant: what TypeORM makes of an entity is what `table-migration.ts` creates of the same description.
 *
 * @module
 */
import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm'
import { ConfigurationError } from '../core/errors.js'
import type { DatabaseFamily } from './database-family.js'
import { columnTypeOf, type OwnColumn, type OwnTable } from './own-table.js'

/** Where tables are. */
export interface TablePlace {
  readonly family: DatabaseFamily
  /** Of PostgreSQL a schema, of MySQL a database; where the connection is by default. */
  readonly schema?: string | undefined
}

export function entitySchemasOf(tables: readonly OwnTable[], { family, schema }: TablePlace): EntitySchema[] {
  const place = schema === undefined ? {} : family === 'mysql' ? { database: schema } : { schema }
  return tables.map(
    ({ entity, name: tableName, columns, indices, collation }) =>
      new EntitySchema({
        name: entity,
        tableName,
        ...place,
        columns: Object.fromEntries(columns.map((column) => [column.name, entityColumn(column, family, collation)])),
        indices: indices.map(({ name, columns: names, isUnique = false }) => ({ name, columns: [...names], unique: isUnique })),
      }),
  )
}

function entityColumn(
  { name, kind, isPrimary, isNullable, default: value }: OwnColumn,
  family: DatabaseFamily,
  collation: string | undefined,
): EntitySchemaColumnOptions {
  return {
    name,
    ...columnTypeOf(kind, family, collation),
    ...(isPrimary === true && { primary: true }),
    ...(kind === 'sequence' && { generated: 'increment' as const }),
    ...(isNullable === true && { nullable: true }),
    ...(value !== undefined && { default: value }),
  } as EntitySchemaColumnOptions
}

/**
 * Refuses the name of a schema or table that no such name can be.
 *
 * @param place The function whose option it is, as messages name it.
 * @throws {ConfigurationError} OPTION_INVALID
 */
export function assertTableName(place: string, option: string, name: string | undefined): void {
  if (name === undefined || (name !== '' && !name.includes('.'))) return
  throw new ConfigurationError('OPTION_INVALID', { place, option, wanted: 'a name without dots', given: `'${name}'` })
}

/** @throws {ConfigurationError} OPTION_INVALID also for SQLite, which has no schemas. */
export function assertSchema(place: string, { family, schema }: TablePlace): void {
  assertTableName(place, 'schema', schema)
  if (schema === undefined || family !== 'sqlite') return
  const wanted = 'left out, since SQLite has no schemas'
  throw new ConfigurationError('OPTION_INVALID', { place, option: 'schema', wanted, given: `'${schema}'` })
}
