/**
 * The benchmark: `npm run bench`, or after a build `node bench/run.mjs [--json] [--quick] [--clock cpu]
 * [--databases memory,file] [--sizes 1,1000] [--rounds 40] [--no-processes]`.
 *
 * Every figure stands beside bare TypeORM measured twice in the same rounds; see README.md.
 */
import { cpus, release, type } from 'node:os'
import { parseArgs } from 'node:util'
import { compareProcesses } from './alone.mjs'
import { CONTENDERS, openContender } from './contenders.mjs'
import { DATABASES } from './databases.mjs'
import { runRounds } from './measure.mjs'
import { compare, judge, milliseconds, printCase, printTable, printVerdicts } from './report.mjs'

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    databases: { type: 'string', default: 'memory,file,postgres' },
    sizes: { type: 'string', default: '1,1000' },
    rounds: { type: 'string' },
    clock: { type: 'string', default: 'wall' },
    'no-processes': { type: 'boolean', default: false },
  },
})
const say = (line) => (flags.json ? process.stderr.write(`${line}\n`) : console.log(line))
const roundsFor = (size) => Number(flags.rounds ?? (size === 1 ? 40 : 12)) / (flags.quick ? 4 : 1)

const flushpoint = await import('flushpoint')
const machine = {
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  clock: flags.clock,
  system: `${type()} ${release()}`,
}
say(`Node ${machine.node}, ${machine.cores} cores of ${machine.cpu}, ${machine.date}; ${flags.clock} clock`)

const cases = []
const skipped = []
for (const name of flags.databases.split(',')) await measureDatabase(name)
const processes = flags['no-processes'] ? [] : measureProcesses()
if (flags.json) console.log(JSON.stringify({ machine, cases, processes, skipped }, null, 2))
else printVerdicts(cases)

async function measureDatabase(name) {
  const { title, open, samples } = DATABASES[name] ?? refuse(name)
  for (const size of flags.sizes.split(',').map(Number)) {
    for (const operation of ['insert', 'update']) {
      let database
      try {
        database = await open()
      } catch (error) {
        skipped.push(title)
        return say(`\n${title} does not answer (${error.code ?? error.message}): skipped`)
      }
      const result = await measureCase({ title, database, operation, size, samples })
      cases.push(result)
      if (!flags.json) printCase(result)
    }
  }
}

function refuse(name) {
  throw new RangeError(`Cannot measure "${name}": choose of ${Object.keys(DATABASES).join(', ')}`)
}

async function measureCase({ title, database, operation, size, samples }) {
  const contenders = []
  try {
    for (const contender of CONTENDERS) {
      const options = await database.options(`${contender.name}_${operation}_${size}`)
      contenders.push(await openContender(contender, { operation, options, flushpoint }))
    }
    const rounds = await runRounds(contenders, {
      operation,
      size,
      rounds: roundsFor(size),
      clock: flags.clock,
      samples: size === 1 ? samples : undefined,
    })
    const rows = compare(contenders, rounds)
    return { database: title, operation, size, rounds: rounds.length, rows, goals: judge(rows) }
  } finally {
    for (const contender of contenders) await contender.close()
    await database.close()
  }
}

function measureProcesses() {
  const found = ['insert', 'update'].map((operation) =>
    compareProcesses({ operation, size: 1, clock: flags.clock, turns: flags.quick ? 3 : 9, rounds: flags.quick ? 20 : 60 }),
  )
  if (flags.json) return found
  console.log('\nBare TypeORM in a process that never loads flushpoint, and in one where another DataSource uses it (SQLite in memory)')
  printTable(
    ['', 'ms a save', 'control', 'spread', 'beside flushpoint', 'spread'],
    found.map(({ operation, micros, control, beside }) => [
      `${operation} of one entity`,
      milliseconds(micros),
      control.median.toFixed(3),
      `${control.min.toFixed(3)}..${control.max.toFixed(3)}`,
      beside.median.toFixed(3),
      `${beside.min.toFixed(3)}..${beside.max.toFixed(3)}`,
    ]),
  )
  return found
}
