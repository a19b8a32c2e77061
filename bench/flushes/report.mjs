/** Tables of one case: each contender's time, and its ratio to the others in the same round. */
import { cpus, loadavg } from 'node:os'
import { DATABASES } from '../databases.mjs'
import { summary } from '../measure.mjs'
import { printTable } from '../report.mjs'
import { CASES } from './cases.mjs'

export const TITLES = {
  floor: 'raw set statement (floor)',
  flushpoint: 'session of flushpoint',
  control: 'the same again (A/A control)',
  extended: 'with an empty session extension',
  'mikro-orm': 'MikroORM',
  typeorm: 'TypeORM, save or remove',
}
/** What the others are compared with. */
const BASES = { floor: 'floor', 'mikro-orm': 'MikroORM', typeorm: 'TypeORM' }

const number = (value) => value.toLocaleString('en')

export function machineNow({ clock }) {
  const [cpu] = cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    node: `Node ${process.version}`,
    cpu: `${cpus().length} cores of ${cpu?.model.trim() ?? 'unknown'}`,
    load: `load ${loadavg()[0].toFixed(1)}`,
    clock: `${clock} clock`,
  }
}

export function titleOf({ database, name, size }) {
  return `${DATABASES[database].title}: ${CASES[name].title}, ${number(size)} ${size === 1 ? 'row' : 'rows'}`
}

/** Medians and middle halves, with ratios of the same round. */
export function resultOf(what, rounds) {
  const names = Object.keys(TITLES).filter((name) => rounds.some((round) => name in round))
  const contenders = names.map((name) => {
    const own = rounds.filter((round) => name in round)
    const bases = Object.keys(BASES).filter((base) => own.some((round) => base in round))
    const ratios = bases.map((base) => {
      const paired = own.filter((round) => base in round)
      return [base, middle(paired.map((round) => round[name].flush / round[base].flush))]
    })
    const { median: mark } = summary(own.map((round) => round[name].mark))
    return [
      name,
      { rounds: own.length, mark: rounded(mark), millis: middle(own.map((round) => round[name].flush)), x: Object.fromEntries(ratios) },
    ]
  })
  return { ...what, rounds: rounds.length, contenders: Object.fromEntries(contenders) }
}

function middle(values) {
  const { p25, median, p75 } = summary(values)
  return { median: rounded(median), p25: rounded(p25), p75: rounded(p75) }
}

const rounded = (value) => Number(value.toPrecision(4))

export function printCase({ contenders, rounds, ...what }) {
  const fewer = contenders.typeorm && contenders.typeorm.rounds < rounds ? `; ${contenders.typeorm.rounds} with TypeORM` : ''
  console.log(`\n${titleOf(what)} (${rounds} rounds${fewer})`)
  const bases = Object.keys(BASES).filter((base) => base in contenders)
  printTable(
    ['', 'ms a flush', 'ms before it', ...bases.flatMap((base) => [`x ${BASES[base]}`, 'middle half'])],
    Object.entries(contenders).map(([name, { mark, millis, x }]) => [
      TITLES[name],
      digits(millis.median),
      mark === 0 ? '' : digits(mark),
      ...bases.flatMap((base) => (x[base] ? [digits(x[base].median), `${digits(x[base].p25)}..${digits(x[base].p75)}`] : ['', ''])),
    ]),
  )
}

export function printHeap({ peak, kept }) {
  console.log(
    `  heap of flushpoint for each row: ${peak.toFixed(0)} bytes more while it flushes, ${kept.toFixed(0)} afterwards, entity included`,
  )
}

export function digits(value) {
  return value.toPrecision(value < 1_000 ? 3 : 4)
}
