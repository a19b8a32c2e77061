/**
 * Entities whose tables and columns have names that SQL, or a statement for many rows, uses itself.
 *
 * @module
 */
import { DefaultNamingStrategy, EntitySchema, type EntitySchemaColumnOptions } from 'typeorm'
import { databaseName } from './databases.js'
import type { Story, Values } from './every-type-story.js'

const onMariadb = databaseName() === 'mariadb'

const QUOTED = onMariadb ? ['a"b'] : ['a`b', 'a[b]']

/** What statements for many rows call their own parts, and what else is special. */
export const TABLES = [
  ...[
    'v',
    't',
    'l',
    'k',
    'x',
    'flushpoint_row',
    'flushpoint_locks',
    'select',
    'With Blank',
    'UPPER',
    'ünïcode',
    'a-b;a:b$1?',
    'insert into x',
  ],
  ...QUOTED,
]
/** Only PostgreSQL has `upper` beside `UPPER`. */
export const COLUMNS = [
  ...['o', 'v', 't', 'l', 'k', 'm', 'x', 'c0', 'c1', 'key', 'value', 'excluded', 'flushpoint_row', 'order', 'group', 'With Blank', 'UPPER'],
  ...["it's", 'ünïcode', '$1', 'a-b', 'a:b', ...QUOTED, ...(databaseName() === 'postgres' ? ['upper'] : [])],
]

export interface NamedModel {
  readonly schema: EntitySchema<Values>
  readonly target: new () => Values
}

/** An entity of this table, with a column of each name, each with a default that is read back. */
export function namedModelOf(tableName: string, rest: { schema?: string; database?: string } = {}): NamedModel {
  const target = { [`Named ${tableName}`]: class {} }[`Named ${tableName}`] as new () => Values
  const columns: Record<string, EntitySchemaColumnOptions> = {
    id: { type: 'int', primary: true, generated: true, name: 'v' === tableName ? 'c0' : 'id' },
    version: { type: 'int', version: true, name: 'm' === tableName ? 'version of m' : 'version' },
  }
  for (const [index, name] of COLUMNS.entries())
    if (name !== columns['id']!.name) columns[`p${index}`] = { type: 'varchar', name, default: `of ${index}`, length: 40 }
  if (databaseName() === 'postgres') columns['mood'] = { type: 'enum', enum: ['glad', "it's sad"], name: 'Mood of', default: 'glad' }
  return { target, schema: new EntitySchema<Values>({ name: target.name, target, tableName, columns, ...rest }) }
}

/** Every column is read back, changed in some rows, and found to be so. */
export function namedStory({ target }: NamedModel): Story<Values> {
  const given = (index: number) =>
    Object.fromEntries(COLUMNS.map((_name, at) => [`p${at}`, `own ${index}`] as const).filter((_pair, at) => at % 2))
  return {
    entities: () => [0, 1, 2, 3].map((index) => Object.assign(new target(), index === 3 ? given(index) : {}, { p1: `row ${index}` })),
    edits: [
      ({ entity, session }) => session.add(entity),
      ({ entity, index }) =>
        COLUMNS.forEach((_name, at) => at !== 1 && at % 4 === index && `p${at}` in entity && (entity[`p${at}`] = 'new')),
      ({ entity, index, session }) => index > 0 && session.delete(entity),
    ],
    stored: async (session) => (await session.manager.find(target, { order: { p1: 'ASC' } })).map(withoutKey),
    held: withoutKey,
  }
}

function withoutKey({ id, ...rest }: Values): Values {
  return { ...rest, hasKey: typeof id === 'number' }
}

/** Names nothing as its property is named. */
export class Renaming extends DefaultNamingStrategy {
  override tableName(name: string, custom: string | undefined): string {
    return `The_${custom ?? name}`
  }

  override columnName(name: string, custom: string | undefined, prefixes: string[]): string {
    return [...prefixes, custom ?? `${name}Of`].join('$')
  }

  override joinColumnName(relation: string, referenced: string): string {
    return `${relation}$to$${referenced}`
  }

  override joinTableName(first: string, second: string): string {
    return `${first}$and$${second}`
  }

  override joinTableColumnName(table: string, property: string, column?: string): string {
    return `${table.length}$${property}$${column ?? ''}`
  }
}
