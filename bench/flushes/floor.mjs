/**
 * The raw statements by the bare driver, as a contender: what no session can undercut.
 *
 * Everything is at hand in the form its statement wants before the clock starts; the clock covers BEGIN, the statement, COMMIT.
 */
import { articleValues } from '../processes/article.mjs'
import { serve } from '../processes/worker.mjs'

const DRIVERS = { postgres: './floor/postgres.mjs', mariadb: './floor/mariadb.mjs', 'better-sqlite3': './floor/sqlite.mjs' }

await serve(async ({ options }) => {
  const { open } = await import(DRIVERS[options.type])
  const { name, run, load, transaction, ...writes } = await open(options)
  let pending
  return {
    name,
    run,
    load,
    create: articleValues,
    begin: () => void (pending = undefined),
    add: (rows) => {
      const insert = writes.insert(rows)
      pending = async () => {
        const keys = await insert()
        for (const [index, row] of rows.entries()) row.id = keys[index]
      }
    },
    change: (rows, columnsOf) => void (pending = writes.update(rows, columnsOf)),
    remove: (rows) => void (pending = writes.remove(rows.map(({ id }) => id))),
    flush: () => transaction(pending),
  }
})
