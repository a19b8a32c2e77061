/**
 * SQLite by better-sqlite3: whichever was faster of a prepared statement in a loop, statements of many rows, and `json_each`; see README.md.
 *
 * Everything is prepared before the clock starts.
 */
import Database from 'better-sqlite3'
import { tableName } from '../../processes/article.mjs'
import { groupsOf, NAMES, tuplesOf } from './columns.mjs'

const INSERTED_AT_ONCE = 100
/** So many and more are faster by `json_each` than one by one: rows of which one column changes, and rows that are deleted. */
const SET_BY_JSON_FROM = 500
const REMOVED_BY_JSON_FROM = 20

export function open(options) {
  const database = new Database(options.database)
  database.pragma('foreign_keys = ON') // as TypeORM and MikroORM do
  const table = tableName(options)
  const list = (names) => names.map((name) => `"${name}"`).join(', ')
  const tuple = `(${NAMES.map(() => '?').join(', ')})`
  const [begin, commit] = ['BEGIN', 'COMMIT'].map((sql) => database.prepare(sql))

  function insertChunk(tuples) {
    const statement = database.prepare(`INSERT INTO ${table} (${list(NAMES)}) VALUES ${tuples.map(() => tuple).join(', ')}`)
    const values = tuples.flat()
    return () => Number(statement.run(values).lastInsertRowid) - tuples.length
  }

  function setByLoop(rows, names) {
    const statement = database.prepare(`UPDATE ${table} SET ${names.map((name) => `"${name}" = ?`).join(', ')} WHERE "id" = ?`)
    const tuples = tuplesOf(rows, [...names, 'id'])
    return () => tuples.forEach((values) => statement.run(values))
  }

  function setByJson(rows, [name]) {
    const tuples = tuplesOf(rows, ['id', name])
    const from = `json_each(?) AS v WHERE ${table}."id" = v.value ->> 0`
    const statement = database.prepare(`UPDATE ${table} SET "${name}" = v.value ->> 1 FROM ${from}`)
    return () => statement.run(JSON.stringify(tuples))
  }

  function removeByLoop(ids) {
    const statement = database.prepare(`DELETE FROM ${table} WHERE "id" = ?`)
    return () => ids.forEach((id) => statement.run(id))
  }

  function removeByJson(ids) {
    const statement = database.prepare(`DELETE FROM ${table} WHERE "id" IN (SELECT value FROM json_each(?))`)
    return () => statement.run(JSON.stringify(ids))
  }

  return {
    name: 'better-sqlite3',
    run: (sql) => database.exec(sql),
    load: () => database.prepare(`SELECT * FROM ${table}`).all(),
    insert: (rows) => {
      const tuples = tuplesOf(rows, NAMES)
      const chunks = []
      for (let at = 0; at < tuples.length; at += INSERTED_AT_ONCE) chunks.push(tuples.slice(at, at + INSERTED_AT_ONCE))
      const inserts = chunks.map((chunk) => ({ size: chunk.length, insert: insertChunk(chunk) }))
      return () =>
        inserts.flatMap(({ size, insert }) => {
          const last = insert()
          return Array.from({ length: size }, (_, index) => last + index + 1)
        })
    },
    update: (rows, namesOf) => {
      const sets = groupsOf(rows, namesOf).map(({ names, rows }) => {
        const isByJson = names.length === 1 && rows.length >= SET_BY_JSON_FROM
        return isByJson ? setByJson(rows, names) : setByLoop(rows, names)
      })
      return () => sets.forEach((set) => set())
    },
    remove: (ids) => (ids.length >= REMOVED_BY_JSON_FROM ? removeByJson(ids) : removeByLoop(ids)),
    transaction: (write) => {
      begin.run()
      const written = write()
      return written instanceof Promise ? written.then(() => void commit.run()) : void commit.run()
    },
  }
}
