/**
 * Does flushpoint slow down a DataSource that does not use it? Bare TypeORM is measured in processes of three kinds, run in turns:
 * one that never loads flushpoint (`alone`, and again as `control`), one that has loaded it and uses it on another DataSource (`beside`).
 *
 * As a program of its own it is such a process: `node bench/alone.mjs alone insert 1 40 wall` prints the median microseconds of a save.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CONTENDERS, openContender } from './contenders.mjs'
import { DATABASES } from './databases.mjs'
import { runRounds, summary } from './measure.mjs'

const KINDS = ['alone', 'control', 'beside']

/** Ratios of each kind to `alone` in the same turn. */
export function compareProcesses({ turns, ...what }) {
  const ratios = { control: [], beside: [] }
  const micros = []
  for (let turn = 0; turn < turns; turn++) {
    const order = turn % 2 === 0 ? KINDS : [...KINDS].reverse()
    const found = Object.fromEntries(order.map((kind) => [kind, runProcess(kind, what)]))
    micros.push(found.alone)
    for (const kind of ['control', 'beside']) ratios[kind].push(found[kind] / found.alone)
  }
  return {
    operation: what.operation,
    size: what.size,
    turns,
    micros: summary(micros).median,
    control: summary(ratios.control),
    beside: summary(ratios.beside),
  }
}

function runProcess(kind, { operation, size, rounds, clock }) {
  const args = [fileURLToPath(import.meta.url), kind, operation, String(size), String(rounds), clock]
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }))
}

async function main([kind, operation, size, rounds, clock]) {
  const database = await DATABASES.memory.open()
  if (kind === 'beside') await useFlushpoint(database, operation)
  const bare = await openContender(CONTENDERS[0], { operation, options: database.options('bare') })
  const results = await runRounds([bare], { operation, size: Number(size), rounds: Number(rounds), clock, warmUp: 4 })
  console.log(summary(results.map((round) => round.bare)).median)
  await bare.close()
}

/** Everything flushpoint wraps once per process is wrapped after this. */
async function useFlushpoint(database, operation) {
  const flushpoint = await import('flushpoint')
  const contender = CONTENDERS.find(({ name }) => name === 'session1')
  const { repository, create } = await openContender(contender, { operation, options: database.options('other'), flushpoint })
  const [entity] = await repository.save(create(1))
  await repository.save(Object.assign(entity, { title: 'changed' }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))
