/**
 * A DataSource of articles with flushpoint on it, with or without an outbox.
 *
 * TypeORM is required, not imported, so that `typeorm-1.cjs` can choose the version.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { COLUMNS, TABLE } from '../processes/article.mjs'

const require = createRequire(import.meta.url)

export class Article {}

/** What relays know of each other stays, as it does between two runs of a program. */
const KEPT = ['OutboxSlot', 'OutboxRelay']

/** With the tables of an outbox, whether it has one or not. `clear` empties those of its messages. */
export async function openDataSource(options, { hasOutbox = true } = {}) {
  require('reflect-metadata')
  const { DataSource, EntitySchema } = require('typeorm')
  const { install } = require('flushpoint')
  const { Outbox, outboxEntities } = require('flushpoint/outbox')
  const columns = { id: { type: 'integer', primary: true, generated: true }, ...COLUMNS }
  const article = new EntitySchema({ name: 'Article', tableName: TABLE, target: Article, columns })
  const entities = [article, ...outboxEntities(options.type)]
  const dataSource = new DataSource({ ...options, entities, synchronize: true })
  install(dataSource, { extensions: hasOutbox ? [Outbox.with({ source: '/bench', worker: 'none' })] : [] })
  await dataSource.initialize()
  const cleared = dataSource.entityMetadatas.filter(({ target, name }) => target !== Article && !KEPT.includes(name))
  const tables = cleared.map(({ tablePath }) => tablePath)
  return {
    dataSource,
    name: `flushpoint on TypeORM ${versionOf(require.resolve('typeorm'))}`,
    clear: async () => {
      if (options.type === 'postgres') await dataSource.query(`TRUNCATE ${tables.join(', ')}`)
      else for (const table of tables) await dataSource.query(`DELETE FROM ${table}`)
    },
  }
}

/** TypeORM 1 does not export its package.json. */
function versionOf(main) {
  return JSON.parse(readFileSync(new URL('package.json', pathToFileURL(main)), 'utf8')).version
}
