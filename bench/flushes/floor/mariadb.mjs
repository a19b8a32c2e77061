/**
 * MariaDB by mysql2: rows as one JSON document, by JSON_TABLE. Many rows of different column sets are faster with a statement for each set
 * than by a bitmask: joined updates of a TEXT column are dear, and with the mask all rows are such.
 */
import mysql from 'mysql2/promise'
import { COLUMNS, quotedName, tableName } from '../../processes/article.mjs'
import { groupsOf, maskedRows, NAMES, tuplesOf } from './columns.mjs'

const GROUPED_FROM = 3_000

const TYPES = { varchar: 'varchar(255)', text: 'text', integer: 'integer' }
const typeOf = (name) => TYPES[COLUMNS[name]?.type ?? 'integer']

export async function open(options) {
  const client = await mysql.createConnection(options.url)
  const quote = (name) => quotedName(options, name)
  const table = tableName(options)
  const list = (names) => names.map(quote).join(', ')

  function jsonTable(names) {
    const columns = names.map((name, index) => `${quote(name)} ${typeOf(name)} PATH '$[${index}]'`)
    return `JSON_TABLE(?, '$[*]' COLUMNS (${columns.join(', ')})) AS v`
  }

  function set(rows, { names, newValue = (name) => `v.${quote(name)}`, extra = [] }) {
    const sent = ['id', ...extra, ...names]
    const tuples = tuplesOf(rows, sent)
    const changes = names.map((name) => `a.${quote(name)} = ${newValue(name)}`).join(', ')
    const sql = `UPDATE ${jsonTable(sent)} STRAIGHT_JOIN ${table} AS a ON a.id = v.id SET ${changes}` // no plan that scans v for each row
    return () => client.execute(sql, [JSON.stringify(tuples)])
  }
  const masked = (name) => `IF(v.mask & ${1 << NAMES.indexOf(name)}, v.${quote(name)}, a.${quote(name)})`

  return {
    name: 'mysql2',
    run: (sql) => client.query(sql),
    load: async () => (await client.query(`SELECT * FROM ${table}`))[0],
    insert: (rows) => {
      const tuples = tuplesOf(rows, NAMES)
      const sql = `INSERT INTO ${table} (${list(NAMES)}) SELECT ${list(NAMES)} FROM ${jsonTable(NAMES)} RETURNING id`
      return async () => (await client.execute({ sql, rowsAsArray: true }, [JSON.stringify(tuples)]))[0].flat()
    },
    update: (rows, namesOf) => {
      const groups = groupsOf(rows, namesOf)
      if (groups.length > 1 && rows.length < GROUPED_FROM)
        return set(maskedRows(rows, namesOf), { names: NAMES, newValue: masked, extra: ['mask'] })
      const sets = groups.map(({ names, rows }) => set(rows, { names }))
      return async () => {
        for (const send of sets) await send()
      }
    },
    remove: (ids) => () => client.query(`DELETE FROM ${table} WHERE id IN (${ids.join()})`),
    transaction: async (write) => {
      await client.query('BEGIN')
      await write()
      await client.query('COMMIT')
    },
  }
}
