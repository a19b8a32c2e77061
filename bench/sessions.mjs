/**
 * What a session costs, beside MikroORM and TypeORM's `save`: after a build `node bench/sessions.mjs [--json] [--quick]
 * [--databases memory,postgres] [--sizes 1000,10000,100000] [--rounds 10] [--typeorm 1] [--node22] [--clock cpu]`.
 *
 * Each contender has a process of its own; in every round each is measured once, in shuffled order. MikroORM takes part once
 * `npm install --prefix bench/contenders` has been run. See README.md.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { DATABASES } from './databases.mjs'
import { summary } from './measure.mjs'
import { contendersOf, shuffled, startContender } from './processes/contender.mjs'
import { printTable } from './report.mjs'

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    databases: { type: 'string', default: 'memory,postgres' },
    sizes: { type: 'string', default: '1000,10000,100000' },
    rounds: { type: 'string' },
    typeorm: { type: 'string', default: '1' },
    clock: { type: 'string', default: 'wall' },
    node22: { type: 'boolean', default: false },
  },
})
const say = (line) => (flags.json ? process.stderr.write(`${line}\n`) : console.log(line))

const TITLES = {
  flushpoint: 'session of flushpoint',
  control: 'the same again (A/A control)',
  typeorm: 'TypeORM, save or remove of all',
  'mikro-orm': 'MikroORM',
}
/** What the others are compared with, in the same round. */
const BASES = { 'mikro-orm': 'MikroORM', typeorm: 'TypeORM' }
const NOOP_GOAL = { name: 'none', size: 10_000, contender: 'mikro-orm', ratio: 0.1 }
const ONE_OF = 10_000
const WRITTEN = 1_000
const WARM_UP_ROUNDS = flags.quick ? 1 : 3

const roundsFor = (size) => Math.ceil(Number(flags.rounds ?? (flags.quick ? 3 : 10)) / (size > 10_000 ? 3 : 1))
const sizes = flags.sizes.split(',').map(Number)
const number = (value) => value.toLocaleString('en')

const cases = [
  ...sizes.map((size) => ({ name: 'none', title: `flush of nothing, ${number(size)} loaded`, size })),
  { name: 'one', title: `flush of one change, ${number(ONE_OF)} loaded`, size: ONE_OF },
  ...['insert', 'update', 'delete'].map((name) => ({ name, title: `${name} of ${number(WRITTEN)}`, size: WRITTEN })),
]

/** How often one contender flushes per round, besides once to warm up: where that takes seconds, once is enough. */
function samplesFor({ name, size }, contender) {
  if (['insert', 'update', 'delete'].includes(name)) return 1
  if (contender === 'typeorm') return Math.ceil(2_000 / size)
  return size > 10_000 ? 10 : 20
}

const contenders = contendersOf(Object.keys(TITLES), flags)
const isComplete = contenders.some(({ name }) => name === NOOP_GOAL.contender)
const machine = {
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  clock: flags.clock,
  load: loadavg()[0],
}
say(
  `\nSessions: Node ${machine.node}, ${machine.cores} cores of ${machine.cpu}, load ${machine.load.toFixed(1)}, ${machine.date}; ${flags.clock} clock`,
)
if (!isComplete) say('MikroORM is not installed (npm install --prefix bench/contenders): measured without it')

const results = []
const skipped = []
for (const name of flags.databases.split(',')) await measureDatabase(name)
if (flags.json) console.log(JSON.stringify({ machine, results, skipped }, null, 2))
else if (isComplete) printGoals()

async function measureDatabase(key) {
  const { title } = DATABASES[key]
  let database
  try {
    database = await DATABASES[key].open()
  } catch (error) {
    skipped.push(title)
    return say(`\n${title} does not answer (${error.code ?? error.message}): skipped`)
  }
  const running = []
  try {
    for (const contender of contenders) {
      const options = await optionsOf(database, contender.name)
      running.push(await startContender(contender, { orders: 'sessions', options }))
    }
    const shown = key === 'postgres' ? title : 'SQLite in memory'
    say(`\n${shown}: ${[...new Set(running.map(({ about }) => `${about.name} (Node ${about.node})`))].join(', ')}`)
    for (const one of cases) report(shown, one, await measureCase(running, one))
    reportMemory(shown, await measureMemory(running))
  } finally {
    for (const contender of running) await contender.close()
    await database.close()
  }
}

/** Of TypeORM 0.3 sqlite3, whose binary is good for every Node; of TypeORM 1 better-sqlite3. */
async function optionsOf(database, name) {
  const options = await database.options(name.replace('-', '_'))
  return options.type === 'postgres' || flags.typeorm === '1' ? options : { ...options, type: 'sqlite' }
}

/** Milliseconds per contender and round. */
async function measureCase(running, one) {
  const found = []
  const order = (contender) => ({ name: one.name, size: one.size, samples: samplesFor(one, contender), clock: flags.clock })
  const isKept = ['none', 'one', 'update'].includes(one.name)
  if (isKept) for (const { name, ask } of running) await ask('prepare', order(name))
  for (let round = -WARM_UP_ROUNDS; round < roundsFor(one.size); round++) {
    const millis = {}
    for (const { name, ask } of shuffled(running)) {
      if (!isKept) await ask('prepare', order(name))
      millis[name] = await ask('measure', order(name))
    }
    if (round >= 0) found.push(millis)
  }
  return found
}

async function measureMemory(running) {
  const bytes = {}
  for (const { name, ask } of running) bytes[name] = await ask('memory', { size: ONE_OF })
  return bytes
}

function report(database, { name, title, size }, found) {
  const rows = contenders.map((contender) => ({
    name: contender.name,
    millis: summary(found.map((round) => round[contender.name])).median,
    ...Object.fromEntries(
      Object.keys(BASES)
        .filter((base) => base in found[0])
        .map((base) => [base, summary(found.map((round) => round[contender.name] / round[base]))]),
    ),
  }))
  results.push({ database, name, title, size, rounds: found.length, rows })
  if (flags.json) return
  console.log(`\n${database}: ${title} (${found.length} rounds)`)
  const bases = Object.keys(BASES).filter((base) => base in rows[0])
  printTable(
    ['', 'ms a flush', ...bases.flatMap((base) => [`x ${BASES[base]}`, 'middle half'])],
    rows.map((row) => [
      TITLES[row.name],
      digits(row.millis),
      ...bases.flatMap((base) => [digits(row[base].median), `${digits(row[base].p25)}..${digits(row[base].p75)}`]),
    ]),
  )
}

function reportMemory(database, bytes) {
  results.push({ database, name: 'memory', bytes })
  if (flags.json) return
  console.log(`\n${database}: heap per loaded entity`)
  printTable(
    ['', 'bytes', 'beyond the bare entity'],
    Object.entries(bytes).map(([name, value]) => [TITLES[name], value.toFixed(0), (value - bytes.typeorm).toFixed(0)]),
  )
}

function printGoals() {
  const judged = results.filter(({ name, size }) => name === NOOP_GOAL.name && size === NOOP_GOAL.size)
  if (judged.length === 0) return
  console.log(`\nGoal: a flush of nothing with ${number(NOOP_GOAL.size)} loaded in under a tenth of MikroORM's time`)
  printTable(
    ['', 'x MikroORM', 'wanted', ''],
    judged.map(({ database, rows }) => {
      const { median } = rows.find(({ name }) => name === 'flushpoint')[NOOP_GOAL.contender]
      return [database, digits(median), `< ${NOOP_GOAL.ratio}`, median < NOOP_GOAL.ratio ? 'met' : 'MISSED']
    }),
  )
}

function digits(value) {
  return value.toPrecision(value < 1_000 ? 3 : 4)
}
