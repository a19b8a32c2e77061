/**
 * How long a dump and a load of many rows take, and how much memory: after a build
 * `node bench/data.mjs [--quick] [--json] [--store] [--databases memory,file,postgres,mariadb] [--sizes 10000,100000]`.
 *
 * Each size has a process of its own. `live` is the largest heap found behind a garbage collection, made twenty times on the way: where it is
 * the same for ten times the rows, memory is constant. `peak` is the largest heap with garbage in it, sampled every 25 ms.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DATABASES } from './databases.mjs'
import { machineNow } from './flushes/report.mjs'
import { store } from './results.mjs'
import { chosen, Terminal, withDatabase } from './terminal.mjs'

const SCRIPT = fileURLToPath(new URL('data/run.mjs', import.meta.url))

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    store: { type: 'boolean', default: false },
    databases: { type: 'string', default: 'file,postgres,mariadb' },
    sizes: { type: 'string' },
  },
})
const sizes = (flags.sizes ?? (flags.quick ? '1000,10000' : '10000,100000')).split(',').map(Number)
const { say } = new Terminal(flags)
const measured = {}

say(`\nData: ${Object.values(machineNow({ clock: 'wall' })).join(', ')}`)
for (const key of chosen(flags.databases, Object.keys(DATABASES))) await onDatabase(key)
if (flags.store) await store('data', measured)
if (flags.json) console.log(JSON.stringify(measured, null, 2))

async function onDatabase(key) {
  const results = await withDatabase(DATABASES[key], say, async (database) => {
    say(`\n${DATABASES[key].title}`)
    const found = []
    for (const rows of sizes) {
      const plan = { from: await database.options(`from_${rows}`), to: await database.options(`to_${rows}`), rows }
      const result = { rows, ...(await run(plan)) }
      found.push(result)
      for (const part of ['dump', 'load']) {
        const { seconds, liveMb, peakMb } = result[part]
        say(`  ${part} of ${rows} rows: ${seconds.toFixed(1)} s, live ${liveMb.toFixed(1)} MB, peak ${peakMb.toFixed(1)} MB`)
      }
    }
    return found
  })
  if (results !== undefined) measured[key] = { machine: machineNow({ clock: 'wall' }), results }
}

async function run(plan) {
  const child = fork(SCRIPT, { execArgv: ['--expose-gc'], stdio: 'inherit' })
  child.send(plan)
  const [result] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`Cannot measure: the process ended with ${code}`))),
  ])
  return result
}
