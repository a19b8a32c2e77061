/**
 * Flushes of an own session, in a process of its own, with or without the extension measured.
 *
 * TypeORM and flushpoint are required, not imported, so that `typeorm-1.cjs` can choose the version.
 */
import { createRequire } from 'node:module'
import { COLUMNS, TABLE } from '../processes/article.mjs'
import { serve } from '../processes/worker.mjs'

const require = createRequire(import.meta.url)

class Article {}

await serve(async ({ contender, options }) => {
  require('reflect-metadata')
  const { DataSource, EntitySchema } = require('typeorm')
  const { install, openSession } = require('flushpoint')
  const { auditEntities } = require('flushpoint/extensions')
  const columns = { id: { type: 'integer', primary: true, generated: true }, ...COLUMNS }
  const article = new EntitySchema({ name: 'Article', tableName: TABLE, target: Article, columns })
  const entities = [article, ...auditEntities(options.type)]
  const dataSource = new DataSource({ ...options, entities, synchronize: true })
  install(dataSource, { extensions: extensionsFor(contender) })
  await dataSource.initialize()
  const audit = dataSource.entityMetadatas.find(({ target }) => target !== Article)

  return {
    name: 'flushpoint',
    run: (sql) => dataSource.query(sql),
    clear: async () => void (await dataSource.query(`DELETE FROM ${audit.tablePath}`)),
    create: (values) => Object.assign(new Article(), values),
    isAudited: contender === 'audit',
    count: async () => ({
      rows: await dataSource.getRepository(Article).count(),
      audited: await dataSource.getRepository(audit.target).count(),
    }),
    open: () => openSession(dataSource),
    load: (session) => session.find(Article).all(),
    flush: async (session) => {
      await session.begin()
      await session.flush()
      await session.commit()
    },
  }
})

function extensionsFor(contender) {
  const { SessionExtension } = require('flushpoint')
  const { Audit, ChangeCapture } = require('flushpoint/extensions')
  class Empty extends SessionExtension {
    afterFlush() {}
  }
  class Reader extends SessionExtension {
    afterFlush() {
      const { created, updated } = this.session.info.changes
      if (created.length + updated.length === 0) throw new Error('Nothing was captured')
    }
  }
  return { bare: [], control: [], empty: [Empty], capture: [ChangeCapture, Reader], audit: [Audit] }[contender]
}
