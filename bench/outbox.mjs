/**
 * How fast an outbox is emptied beside pg-boss and graphile-worker, how soon a message is handled, and what it costs a flush: after a build
 * `node bench/outbox.mjs [--quick] [--json] [--store] [--databases memory,file,postgres] [--parts deliver,latency,flush]
 * [--cases keys-500,hot-5,failing] [--contenders relay-4,newest-fifo] [--messages 20000] [--rounds 3] [--node22]`.
 *
 * Each contender has a process of its own; in every round each is measured once, in shuffled order. pg-boss and graphile-worker take part
 * on PostgreSQL once `npm install --prefix bench/contenders` has been run. See outbox/README.md.
 */
import { parseArgs } from 'node:util'
import { DATABASES } from './databases.mjs'
import { machineNow } from './flushes/report.mjs'
import { CASES } from './outbox/cases.mjs'
import { DELIVERERS, FOREIGN, scriptsFor } from './outbox/contenders.mjs'
import { judge, printGoals } from './outbox/goals.mjs'
import { measureDeliveries, measureFlushes, measureLatency } from './outbox/measure.mjs'
import { printDeliveries, printFlushes, printLatency } from './outbox/report.mjs'
import { openServer } from './outbox/server.mjs'
import { store } from './results.mjs'
import { chosen, Terminal, withDatabase } from './terminal.mjs'

const PARTS = {
  deliver: { field: 'deliveries', measure: measureDeliveries, print: printDeliveries },
  latency: { field: 'latencies', measure: measureLatency, print: printLatency },
  flush: { field: 'flushes', measure: measureFlushes, print: printFlushes },
}
const KEYS = ['memory', 'file', 'postgres']

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    store: { type: 'boolean', default: false },
    node22: { type: 'boolean', default: false },
    databases: { type: 'string', default: KEYS.join() },
    parts: { type: 'string', default: Object.keys(PARTS).join() },
    cases: { type: 'string', default: Object.keys(CASES).join() },
    contenders: { type: 'string', default: Object.keys(DELIVERERS).join() },
    messages: { type: 'string' },
    rounds: { type: 'string' },
  },
})
const terminal = new Terminal(flags)
const { say, progress } = terminal
const plan = {
  flags,
  cases: chosen(flags.cases, Object.keys(CASES)),
  contenders: chosen(flags.contenders, Object.keys(DELIVERERS)),
  messages: Number(flags.messages ?? (flags.quick ? 2_000 : 20_000)),
  rounds: Number(flags.rounds ?? (flags.quick ? 1 : 3)),
  latencyMessages: flags.quick ? 40 : 150,
  latencyRounds: flags.quick ? 1 : 2,
  flushRounds: Number(flags.rounds ?? (flags.quick ? 3 : 10)),
  say,
  progress,
}
const parts = chosen(flags.parts, Object.keys(PARTS))

const measured = {}
say(`\nOutbox: ${Object.values(machineNow({ clock: 'wall' })).join(', ')}`)
for (const key of chosen(flags.databases, KEYS)) await onDatabase(key)
const goals = judge(Object.values(measured))
if (flags.store) await store('outbox', measured)
if (flags.json) console.log(JSON.stringify({ ...measured, goals }, null, 2))
else printGoals(goals)
say(`\nTook ${terminal.secondsSinceStart} s`)

async function onDatabase(key) {
  const missing = key === 'postgres' ? FOREIGN.filter((name) => !(name in scriptsFor(flags, key))) : []
  if (missing.length > 0) say(`\n${missing.join(', ')}: not installed (npm install --prefix bench/contenders), measured without`)
  const found = {}
  for (const part of parts) {
    const { field, measure, print } = PARTS[part]
    const result = await withDatabase(DATABASES[key], say, (database) => measure({ ...plan, key, database })) // each part has schemas of its own
    if (result === undefined) return
    found[field] = result
    if (!flags.json) result.forEach(print)
  }
  measured[key] = { machine: { ...machineNow({ clock: 'wall' }), ...(await serverOf(key)) }, ...found }
}

async function serverOf(key) {
  const { about, close } = await openServer(key)
  await close()
  return about === undefined ? {} : { server: about }
}
