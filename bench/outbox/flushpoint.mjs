/**
 * An embedded relay as a contender: messages are events tracked in a transaction, handled by one subscription with options as they come,
 * but for the wait after a failure, which is none.
 *
 * TypeORM is required, not imported, so that `typeorm-1.cjs` can choose the version.
 */
import { createRequire } from 'node:module'
import { openDataSource } from './data-source.mjs'
import { StatementLogger } from './statement-logger.mjs'
import { serve } from '../processes/worker.mjs'

const require = createRequire(import.meta.url)

const TRACKED_AT_ONCE = 1_000
/** A connection for each loop, one that sends, and one to spare. */
const CONNECTIONS = 6

const isCommit = (sql) => sql === 'COMMIT'

await serve(async ({ options }) => {
  const { createRelay, subscription } = require('flushpoint/outbox')
  const { defineEvent, track } = require('flushpoint/events')
  const Done = defineEvent()('item.done')
  const logger = new StatementLogger()
  const { dataSource, name, clear } = await openDataSource({ ...options, poolSize: CONNECTIONS, logger })
  let relay

  const trackAll = (messages) => {
    for (const { n, key } of messages) track(new Done({ id: key, n }))
  }
  const relayOf = ({ loops, handle }) => {
    const sink = subscription({
      name: 'sink',
      events: '*',
      retry: { baseMs: 0 },
      handle: ({ data: { id, n } }) => handle({ n, key: id }),
    })
    return (relay = createRelay(dataSource, { subscriptions: [sink], loops }))
  }

  return {
    name,
    prepare: clear,
    load: async (messages) => {
      for (let from = 0; from < messages.length; from += TRACKED_AT_ONCE)
        await dataSource.transaction(async () => trackAll(messages.slice(from, from + TRACKED_AT_ONCE)))
    },
    start: async (what) => {
      if (options.type === 'postgres')
        await Promise.all(Array.from({ length: CONNECTIONS }, () => dataSource.query('SELECT pg_sleep(0.01)')))
      const made = relayOf(what)
      return () => made.start()
    },
    stop: () => relay.stop(),
    listen: async (what) => void (await relayOf(what).start()),
    unlisten: () => relay.stop(),
    send: async (message, { beforeCommit }) => {
      let commits
      await dataSource.transaction(async () => {
        trackAll([message])
        commits = logger.watch(isCommit, beforeCommit)
      })
      commits.end()
    },
  }
})
