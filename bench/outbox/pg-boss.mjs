/**
 * pg-boss as a contender, in a process of Node 22: `key_strict_fifo` with a singleton key for the order per key, and its plain queue.
 *
 * Loops of `fetch`, `complete` and `fail` stand in for its workers, which sleep for half a second at least whenever a fetch comes back
 * short, and fail a whole batch for one job (12.20).
 */
import { serve } from '../processes/worker.mjs'
import { openSender, requireForeign, versionOf } from './foreign.mjs'

const QUEUE = 'bench'
const INSERTED_AT_ONCE = 1_000
const CONNECTIONS = 5
const POLL_SECONDS = 0.5 // the least it takes

await serve(async ({ contender, options: { url, schema } }) => {
  const { PgBoss } = requireForeign(contender)
  const boss = new PgBoss({
    connectionString: url,
    schema,
    max: CONNECTIONS,
    supervise: false,
    schedule: false,
    ...(contender === 'pg-boss-newest' && { useListenNotify: true }),
  })
  boss.on('error', (error) => console.error(error))
  await boss.start()
  const sender = await openSender(url)
  const inSender = { executeSql: (text, values) => sender.query(text, values) }
  let running = []
  let isRunning = false
  let worker

  const loop = async (handle, fetchOptions) => {
    while (isRunning) {
      const jobs = await boss.fetch(QUEUE, fetchOptions)
      if (jobs.length > 0) await settle(jobs.sort(byNumber), handle)
    }
  }
  const settle = async (jobs, handle) => {
    const done = []
    const failed = []
    for (const { id, data } of jobs) {
      await handle(data).then(
        () => done.push(id),
        () => failed.push(id),
      )
    }
    if (done.length > 0) await boss.complete(QUEUE, done)
    if (failed.length > 0) await boss.fail(QUEUE, failed, { message: 'fails once' })
  }

  return {
    name: `pg-boss ${versionOf(contender)}`,
    prepare: async ({ policy, wake }) => {
      await boss.deleteQueue(QUEUE)
      const retries = { retryLimit: 5, retryDelay: 0, retryBackoff: false }
      await boss.createQueue(QUEUE, { policy, partition: true, ...retries, ...(wake === 'listen' && { notify: true }) })
    },
    load: async (messages) => {
      for (let from = 0; from < messages.length; from += INSERTED_AT_ONCE)
        await boss.insert(QUEUE, messages.slice(from, from + INSERTED_AT_ONCE).map(jobOf))
    },
    start: async ({ loops, batchSize, handle }) => {
      await Promise.all(Array.from({ length: CONNECTIONS }, () => boss.getDb().executeSql('SELECT pg_sleep(0.01)')))
      isRunning = true
      return () =>
        (running = Array.from({ length: loops }, () => loop(handle, { batchSize, ...(contender === 'pg-boss' && { priority: false }) })))
    },
    stop: async () => {
      isRunning = false
      await Promise.all(running)
    },
    listen: async ({ handle }) => {
      worker = await boss.work(QUEUE, { pollingIntervalSeconds: POLL_SECONDS }, ([{ data }]) => handle(data))
    },
    unlisten: () => boss.offWork(QUEUE),
    send: async (message, { wake, beforeCommit }) => {
      const { data, singletonKey } = jobOf(message)
      await sender.query('BEGIN')
      await boss.send(QUEUE, data, { singletonKey, db: inSender })
      beforeCommit()
      await sender.query('COMMIT')
      if (wake === 'in-process') boss.notifyWorker(worker)
    },
  }
})

/** Jobs of one statement share their time, so keys that ascend give them their order. */
function jobOf({ n, key }) {
  const id = `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
  return { id, data: { n, key }, singletonKey: `item:${key}` }
}

function byNumber(one, other) {
  return one.data.n - other.data.n
}
