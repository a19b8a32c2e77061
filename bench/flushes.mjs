/**
 * What a flush of many rows costs, beside the raw statements, MikroORM and TypeORM's `save` and `remove`: after a build
 * `node bench/flushes.mjs [--quick] [--json] [--store] [--databases memory,postgres] [--sizes 1,10000] [--cases insert,mixed] [--rounds 10]
 * [--contenders floor,flushpoint] [--clock cpu]`; or `--verify`; or `--profile flushpoint`.
 *
 * Each contender has a process of its own; in every round each is measured once, in shuffled order. MikroORM takes part once
 * `npm install --prefix bench/contenders` has been run. See README.md.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DATABASES } from './databases.mjs'
import { CASES } from './flushes/cases.mjs'
import { printGoals } from './flushes/goals.mjs'
import { roundsFor, samplesFor, takesPart, warmUpRounds } from './flushes/rounds.mjs'
import { machineNow, printCase, printHeap, resultOf, TITLES, titleOf } from './flushes/report.mjs'
import { store } from './flushes/results.mjs'
import { printTable } from './report.mjs'
import { contendersOf, shuffled, startContender } from './processes/contender.mjs'
import { chosen, Terminal, withDatabase } from './terminal.mjs'

const LARGE = 100_000
const HEAP_SAMPLES = 3
/** Fewer rows are flushed more often, until they show in a profile. */
const PROFILED_ROWS = 300

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    store: { type: 'boolean', default: false },
    verify: { type: 'boolean', default: false },
    profile: { type: 'string' },
    databases: { type: 'string', default: 'memory,file,postgres,mariadb' },
    sizes: { type: 'string' },
    cases: { type: 'string', default: Object.keys(CASES).join() },
    contenders: { type: 'string', default: Object.keys(TITLES).join() },
    rounds: { type: 'string' },
    clock: { type: 'string', default: 'wall' },
  },
})
const DEFAULT_SIZES = flags.quick || flags.verify ? '1,10,1000' : `1,10,100,1000,10000,${LARGE}`
const sizes = (flags.sizes ?? (flags.profile ? '10000' : DEFAULT_SIZES)).split(',').map(Number)
const cases = chosen(flags.cases, Object.keys(CASES))
const databases = chosen(flags.databases, Object.keys(DATABASES))
const contenders = contendersOf(flags.profile ? chosen(flags.profile, Object.keys(TITLES)) : chosen(flags.contenders, Object.keys(TITLES)))

let edition = 0
const { say, progress } = new Terminal(flags)
const results = []
const skipped = []
let hasDifferences = false

say(`\nFlushes: ${Object.values(machineNow(flags)).join(', ')}`)
if (contenders.length < (flags.profile ?? flags.contenders).split(',').length)
  say('MikroORM is not installed (npm install --prefix bench/contenders): measured without it')
for (const key of databases) await onDatabase(key, flags.verify ? verifyAll : flags.profile ? profileAll : measureAll)
if (flags.json) console.log(JSON.stringify({ results, skipped }, null, 2))
else if (results.length > 0) printGoals(results)
if (flags.verify) say(hasDifferences ? '\nThere are DIFFERENCES.' : '\nAll leave the same tables.')
process.exitCode = hasDifferences ? 1 : 0

async function onDatabase(key, work) {
  const answered = await withDatabase(DATABASES[key], say, async (database) => {
    const running = []
    try {
      for (const contender of contenders) {
        const options = await database.options(contender.name.replace('-', '_'))
        running.push(await startContender(contender, { orders: 'flushes', options }))
      }
      say(`\n${DATABASES[key].title}: ${[...new Set(running.map(({ about }) => `${about.name} (Node ${about.node})`))].join(', ')}`)
      await work(key, running)
      return true
    } finally {
      for (const contender of running) await contender.close()
    }
  })
  if (answered !== true) skipped.push(DATABASES[key].title)
}

async function measureAll(key, running) {
  const machine = machineNow(flags)
  const measured = []
  for (const size of sizes) {
    for (const name of cases) {
      const what = { database: key, name, size }
      const rounds = await measureRounds(running, what)
      const heap = await measureHeap(running, what)
      const result = { ...resultOf(what, rounds), ...(heap && { heap }) }
      measured.push(result)
      if (!flags.json) printCase(result)
      if (!flags.json && heap) printHeap(heap)
    }
  }
  results.push(...measured)
  if (flags.store) await store(key, { machine, results: measured })
}

/** What each contender took, round by round; TypeORM has no share in most rounds of many rows. */
async function measureRounds(running, what) {
  const found = []
  const count = roundsFor(what, flags)
  for (let round = -warmUpRounds(what, flags); round < count; round++) {
    const times = {}
    edition += 100
    for (const { name, ask } of shuffled(running.filter(({ name }) => takesPart(name, { ...what, round }, flags)))) {
      times[name] = await ask('measure', { ...what, samples: samplesFor(what, name), clock: flags.clock, edition })
      progress(`${titleOf(what)}: ${round < 0 ? 'warming up' : `round ${round + 1} of ${count}`}, ${TITLES[name]}`)
    }
    if (round >= 0) found.push(times)
  }
  return found
}

/** Where linear growth is judged: what flushpoint needs at many rows and at ten times as many. */
async function measureHeap(running, what) {
  const flushpoint = running.find(({ name }) => name === 'flushpoint')
  if (flushpoint === undefined || !sizes.includes(LARGE) || what.size < LARGE / 10) return undefined
  const found = []
  for (let sample = 0; sample < HEAP_SAMPLES; sample++) {
    found.push(await flushpoint.ask('heap', { ...what, edition: ++edition }))
    progress(`${titleOf(what)}: heap`)
  }
  const median = (part) => found.map((one) => one[part]).sort((a, b) => a - b)[Math.floor(HEAP_SAMPLES / 2)]
  return { peak: Math.round(median('peak')), kept: Math.round(median('kept')) }
}

async function verifyAll(key, running) {
  for (const size of sizes) {
    for (const name of cases) {
      const what = { database: key, name, size, edition: ++edition }
      const left = {}
      for (const contender of running) {
        left[contender.name] = await contender.ask('verify', what)
        progress(`${titleOf(what)}: ${TITLES[contender.name]}`)
      }
      const [first] = Object.values(left)
      const wrong = Object.keys(left).filter((one) => left[one].table !== first.table || !left[one].isInStep)
      if (wrong.length > 0) hasDifferences = true
      say(`  ${titleOf(what)}: ${first.rows} rows, ${wrong.length === 0 ? 'equal' : `DIFFERENT: ${JSON.stringify(left)}`}`)
    }
  }
}

async function profileAll(key, [contender]) {
  for (const size of sizes) {
    for (const name of cases) {
      const what = { database: key, name, size, edition }
      const samples = Math.max(3, samplesFor(what, contender.name), Math.ceil(PROFILED_ROWS / size))
      const file = join(tmpdir(), `${contender.name}-${key}-${name}-${size}.cpuprofile`)
      const functions = await contender.ask('profile', { ...what, samples, file })
      edition += 100
      say(`\n${titleOf(what)}: ${TITLES[contender.name]}, ${samples} flushes; ${file}`)
      const total = functions.reduce((sum, { millis }) => sum + millis, 0)
      const lines = functions.map(({ name, millis }) => [name, millis.toFixed(3), `${((100 * millis) / total).toFixed(1)} %`])
      printTable(['time of its own', 'ms a flush', 'of these'], lines)
    }
  }
}
