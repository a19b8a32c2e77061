/**
 * What it costs a flush of many rows that its changes are captured, or audited: after a build
 * `node bench/changes.mjs [--quick] [--json] [--store] [--databases memory,file,postgres,mariadb] [--sizes 1000,10000] [--rounds 10]`.
 *
 * Each contender has a process of its own; in every round each is measured once, in shuffled order.
 */
import { parseArgs } from 'node:util'
import { CASES, CONTENDERS, scripts } from './changes/contenders.mjs'
import { judge, print, printGoals, resultOf } from './changes/report.mjs'
import { DATABASES } from './databases.mjs'
import { machineNow } from './flushes/report.mjs'
import { shuffled, startContender } from './processes/contender.mjs'
import { store } from './results.mjs'
import { chosen, Terminal, withDatabase } from './terminal.mjs'

const WARM_UP_ROUNDS = 2
const SAMPLES = { 1000: 5, 10000: 1 }

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    store: { type: 'boolean', default: false },
    databases: { type: 'string', default: 'memory,file,postgres,mariadb' },
    sizes: { type: 'string', default: '1000,10000' },
    rounds: { type: 'string' },
  },
})
const rounds = Number(flags.rounds ?? (flags.quick ? 2 : 10))
const terminal = new Terminal(flags)
const { say, progress } = terminal
const measured = {}

say(`\nChanges: ${Object.values(machineNow({ clock: 'wall' })).join(', ')}`)
for (const key of chosen(flags.databases, Object.keys(DATABASES))) await onDatabase(key)
const goals = judge(Object.values(measured).flatMap(({ results }) => results))
if (flags.store) await store('changes', measured)
if (flags.json) console.log(JSON.stringify({ ...measured, goals }, null, 2))
else printGoals(goals)
say(`\nTook ${terminal.secondsSinceStart} s`)

async function onDatabase(key) {
  const machine = machineNow({ clock: 'wall' })
  const results = await withDatabase(DATABASES[key], say, async (database) => {
    const running = {}
    try {
      for (const [index, script] of scripts().entries()) {
        const options = await database.options(`c${index}`)
        running[script.name] = await startContender(script, { orders: 'changes', options })
      }
      return await measureAll(running, key)
    } finally {
      for (const contender of Object.values(running)) await contender.close()
    }
  })
  if (results !== undefined) measured[key] = { machine, results }
}

async function measureAll(running, database) {
  const results = []
  for (const size of flags.sizes.split(',').map(Number)) {
    for (const name of Object.keys(CASES)) results.push(await measure(running, { database, name, size }))
  }
  return results
}

async function measure(running, what) {
  const found = []
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const one = {}
    for (const who of shuffled(Object.keys(CONTENDERS))) {
      one[who] = await running[who].ask('measure', { ...what, samples: SAMPLES[what.size] ?? 1 })
      progress(`${what.name}, ${what.size} rows, ${who}`)
    }
    if (round >= 0) found.push(one)
  }
  const result = resultOf(what, found)
  if (!flags.json) print(result)
  return result
}
