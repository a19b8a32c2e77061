/**
 * Bare TypeORM as a contender: what a session would remember is a list here, and what it would find out is left to `save`.
 *
 * `flushpoint.mjs` starts from the same DataSource. TypeORM is required, not imported, so that `typeorm-1.cjs` can choose the version.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { articleValues, COLUMNS, TABLE } from './article.mjs'
import { serve } from './worker.mjs'

const require = createRequire(import.meta.url)

/** SQLite binds no more than 32,766 parameters in the SELECT with which a save begins, and joins no more than 1,000 conditions by OR. */
const SAVED_AT_ONCE = 30_000
const REMOVED_AT_ONCE = { sqlite: 500, 'better-sqlite3': 500 }

export async function openDataSource(options) {
  require('reflect-metadata')
  const { DataSource, EntitySchema } = require('typeorm')
  class Article {}
  const columns = { id: { type: 'integer', primary: true, generated: true }, ...COLUMNS }
  const schema = new EntitySchema({ name: 'Article', tableName: TABLE, target: Article, columns })
  const dataSource = await new DataSource({ ...options, entities: [schema] }).initialize()
  return {
    dataSource,
    Article,
    name: `TypeORM ${versionOf(require.resolve('typeorm'))}`,
    run: (sql) => dataSource.query(sql),
    create: (number) => Object.assign(new Article(), articleValues(number)),
  }
}

/** TypeORM 1 does not export its package.json. */
function versionOf(main) {
  return JSON.parse(readFileSync(new URL('package.json', pathToFileURL(main)), 'utf8')).version
}

async function open({ options }) {
  const { dataSource, Article, ...common } = await openDataSource(options)
  const repository = dataSource.getRepository(Article)
  let saved = []
  let removed = []
  return {
    ...common,
    begin: () => void (saved = removed = []),
    load: async () => (saved = await repository.find()),
    add: (entities) => void (saved = entities),
    remove: (entities) => void (removed = entities),
    flush: async () => {
      if (removed.length > 0) await repository.remove(removed.splice(0), { chunk: REMOVED_AT_ONCE[options.type] })
      else await repository.save(saved, saved.length > SAVED_AT_ONCE ? { chunk: SAVED_AT_ONCE } : undefined)
    },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(open)
