/** A session of flushpoint as a contender: without any extension or, as `extended`, with one whose hooks are empty. */
import { createRequire } from 'node:module'
import { openDataSource } from './typeorm.mjs'
import { serve } from './worker.mjs'

const require = createRequire(import.meta.url)

await serve(async ({ contender, options }) => {
  const { openSession, SessionExtension } = require('flushpoint')
  class Empty extends SessionExtension {
    beforeInsert() {}
    beforeUpdate() {}
    beforeDelete() {}
  }
  const sessionOptions = contender === 'extended' ? { extensions: [Empty] } : {}
  const { dataSource, Article, name, ...common } = await openDataSource(options)
  let session = openSession(dataSource, sessionOptions)
  return {
    ...common,
    name: `flushpoint on ${name}`,
    begin: async () => {
      await session.close()
      session = openSession(dataSource, sessionOptions)
    },
    load: () => session.find(Article).all(),
    add: (entities) => session.add(...entities),
    remove: (entities) => session.delete(...entities),
    flush: () => session.flush(),
  }
})
