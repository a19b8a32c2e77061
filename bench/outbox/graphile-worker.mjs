/**
 * graphile-worker as a contender, in a process of Node 22: named queues for one job of a key at a time, and plain jobs.
 *
 * Jobs are numbered by their times, since it orders by nothing else. How long a failed job waits cannot be set: 2.7 s, and the others of its
 * queue go on meanwhile.
 */
import { serve } from '../processes/worker.mjs'
import { openSender, requireForeign, versionOf } from './foreign.mjs'

const TASK = 'bench'
const CONNECTIONS = 25
const ADDED_AT_ONCE = 1_000
/** How soon failed jobs are looked for once their time has come. */
const POLL_MS = 100

await serve(async ({ contender, options: { url, schema } }) => {
  const { Logger, makeWorkerUtils, run } = requireForeign(contender)
  const { Pool } = requireForeign('pg')
  const pgPool = new Pool({ connectionString: url, max: CONNECTIONS })
  pgPool.on('error', (error) => console.error(error))
  pgPool.on('connect', (client) => client.on('error', (error) => console.error(error)))
  const sender = await openSender(url)
  const logger = new Logger(() => () => undefined) // it tells of every job
  const utils = await makeWorkerUtils({ pgPool, schema, logger })
  await utils.migrate()
  let hasQueues
  let runner

  const work = async ({ worker, handle }) => {
    const preset = { worker: { pollInterval: POLL_MS, ...worker } }
    runner = await run({ pgPool, schema, preset, logger, noHandleSignals: true, taskList: { [TASK]: handle } })
  }
  const queueOf = (key) => (hasQueues ? `item:${key}` : null)

  return {
    name: `graphile-worker ${versionOf(contender)}`,
    prepare: async (what) => {
      hasQueues = what.hasQueues
      await pgPool.query(`TRUNCATE ${schema}._private_jobs, ${schema}._private_job_queues`)
    },
    load: async (messages) => {
      const first = Date.now() - messages.length
      const specs = messages.map(({ n, key }) => {
        return { identifier: TASK, payload: { n, key }, queueName: queueOf(key), runAt: new Date(first + n) }
      })
      for (let from = 0; from < specs.length; from += ADDED_AT_ONCE) await utils.addJobs(specs.slice(from, from + ADDED_AT_ONCE))
    },
    start: async (what) => {
      await Promise.all(Array.from({ length: CONNECTIONS }, () => pgPool.query('SELECT pg_sleep(0.01)')))
      return () => work(what)
    },
    stop: () => runner.stop(),
    listen: work,
    unlisten: () => runner.stop(),
    send: async ({ n, key }, { beforeCommit }) => {
      await sender.query('BEGIN')
      const values = [TASK, JSON.stringify({ n, key }), queueOf(key)]
      await sender.query(`SELECT ${schema}.add_job($1, $2::json, queue_name := $3)`, values)
      beforeCommit()
      await sender.query('COMMIT')
    },
  }
})
