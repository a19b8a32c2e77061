/**
 * What becomes of values of one column type: an entity with such a column, and the story of its rows.
 *
 * @module
 */
import type { OpenSession } from 'flushpoint'
import { EntitySchema, type DataSource, type EntitySchemaColumnOptions } from 'typeorm'
import { databaseName } from './databases.js'
import { undone, type Path, type Story, type Values } from './every-type-story.js'

/** A column type with values to store in it. */
export interface TypeSample {
  /** As specs print it. */
  readonly name: string
  readonly column: EntitySchemaColumnOptions
  readonly values: readonly unknown[]
  /** Each of them is refused by the database. */
  readonly refused?: readonly unknown[]
  /** Why rows with these values go one by one; undefined where they share a statement. */
  readonly alone?: RegExp
}

export interface TypeModel {
  readonly schema: EntitySchema<Values>
  readonly target: new () => Values
  readonly sample: TypeSample
}

export function typeModelOf(sample: TypeSample, index: number): TypeModel {
  const name = `Type${index}`
  const target = { [name]: class {} }[name] as new () => Values
  const schema = new EntitySchema<Values>({
    name,
    target,
    columns: {
      id: { type: 'int', primary: true },
      value: { ...sample.column, nullable: true },
      other: { type: 'int', nullable: true },
    },
  })
  return { schema, target, sample }
}

/** Rows are inserted, changed in part, changed in full and deleted. */
export function typeStory(model: TypeModel): Story<Values> {
  const values = [...model.sample.values, null, undefined, model.sample.values[0]]
  const turned = (index: number, by: number) => values[(index + by) % values.length] ?? null
  return {
    entities: () => values.map((value, index) => Object.assign(new model.target(), { id: index + 1, value })),
    edits: [
      ({ entity, session }) => session.add(entity),
      ({ entity, index }) => {
        if (index % 3 !== 0) entity['value'] = turned(index, 1)
        if (index % 3 !== 1) entity['other'] = index
      },
      ({ entity, index }) => Object.assign(entity, { value: turned(index, 2), other: -index }),
      ({ entity, session }) => session.delete(entity),
    ],
    stored: async (session) => [
      ...(await rawRows(session, model)),
      ...(await session.manager.find(model.target, { order: { id: 'ASC' } })),
    ],
  }
}

async function rawRows(session: OpenSession, { target, sample }: TypeModel): Promise<Values[]> {
  const { driver } = session.manager.connection
  const { type } = sample.column
  const [table, value] = [driver.escape(session.manager.connection.getMetadata(target).tableName), driver.escape('value')]
  const shown = {
    postgres: `${value}::text AS shown, pg_column_size(${value}) AS size`,
    mariadb: `HEX(${value}) AS hex${/^(float|double|real)/.test(String(type)) ? `, ${value} + 0e0 AS number` : ''}`,
    sqlite: `typeof(${value}) AS kind, hex(${value}) AS hex, CAST(${value} AS TEXT) AS shown`,
  }
  const database = databaseName()
  const columns = shown[database === 'better-sqlite3' ? 'sqlite' : database]
  return (await session.manager.query(`SELECT id, other, ${value} AS value, ${columns} FROM ${table} ORDER BY id`)) as Values[]
}

/** The error a value in the midst of others ends in, on insert and on update; without the place in the statement. */
export async function refusals(ds: DataSource, model: TypeModel, { value, path }: { value: unknown; path: Path }): Promise<unknown[]> {
  const good = model.sample.values[0]
  const make = (value: unknown, index: number) => Object.assign(new model.target(), { id: index + 1, value })
  const inserting = (session: OpenSession) => {
    const entities = [good, value, good].map(make)
    session.add(...(path === 'set' ? entities : [entities[1]!]))
    return session.flush()
  }
  const updating = async (session: OpenSession) => {
    const entities = [good, good, good].map(make)
    session.add(...entities)
    await session.flush()
    entities[1]!['value'] = value
    if (path === 'set') entities.forEach((entity, index) => (entity['other'] = index))
    return session.flush()
  }
  return [await failure(ds, inserting), await failure(ds, updating)]
}

/** Where in a statement, and how arrays are quoted. */
const PLACES = / at row \d+| for column .*|"/g

async function failure(ds: DataSource, fn: (session: OpenSession) => Promise<unknown>): Promise<unknown> {
  try {
    await undone(ds, fn)
    return 'no error'
  } catch (error) {
    const { driverError } = error as { driverError?: { message: string; code?: string } }
    return driverError === undefined ? error : `${driverError.code}: ${driverError.message.replace(PLACES, '')}`
  }
}
