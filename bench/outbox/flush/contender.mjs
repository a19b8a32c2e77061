/**
 * Flushes of an own session as contenders, in processes of their own: without events, with events that nobody keeps, with an outbox. Two
 * floors send the outbox' own statement besides, whose messages were made before.
 *
 * TypeORM and flushpoint are required, not imported, so that `typeorm-1.cjs` can choose the version.
 */
import { createRequire } from 'node:module'
import { serve } from '../../processes/worker.mjs'
import { Article, openDataSource } from '../data-source.mjs'
import { StatementLogger } from '../statement-logger.mjs'

const require = createRequire(import.meta.url)

const HAS_OUTBOX = ['outbox', 'control']
const HAS_NO_EVENTS = ['bare', 'floor']
const HAS_STATEMENT = ['floor', 'events-floor']

/** Made once: its name is taken then. */
let Created

await serve(async ({ contender, options }) => {
  const { dataSource, name, clear } = await openDataSource(options, { hasOutbox: HAS_OUTBOX.includes(contender) })
  const { openSession } = require('flushpoint')
  const { eventsSettled } = require('flushpoint/events')
  let statements = []

  return {
    name,
    clear,
    run: (sql) => dataSource.query(sql),
    count: async (table) => Number((await dataSource.query(`SELECT count(*) AS "count" FROM ${table}`))[0].count),
    kept: () => dataSource.getRepository('OutboxMessage').count(),
    hasMessages: HAS_OUTBOX.includes(contender) || HAS_STATEMENT.includes(contender),
    create: (values) => Object.assign(new Article(), values),
    learn: async (articles) => {
      if (HAS_STATEMENT.includes(contender) && statements.length === 0) statements = await statementsFor(options, articles)
    },
    open: (articles) => {
      const session = openSession(dataSource)
      session.add(...articles)
      return session
    },
    flush: async (session, articles) => {
      await session.begin()
      await session.flush()
      if (!HAS_NO_EVENTS.includes(contender)) trackAll(articles, session)
      for (const { sql, parameters } of statements) await session.manager.query(sql, parameters)
      await session.commit()
    },
    close: async (session) => {
      await eventsSettled()
      await session.close()
    },
  }
})

function trackAll(articles, session) {
  const { defineEvent, track } = require('flushpoint/events')
  Created ??= defineEvent()('article.created')
  for (const { id, title } of articles) track(new Created({ id, title }), { session })
}

/** What an outbox sends to keep an event for each of these. */
async function statementsFor(options, articles) {
  const logger = new StatementLogger()
  const { dataSource } = await openDataSource({ ...options, logger })
  const seen = logger.watch((sql) => /^INSERT INTO \S*outbox_message/i.test(sql))
  await dataSource.transaction(async () => trackAll(articles))
  await dataSource.destroy()
  return seen.end()
}
