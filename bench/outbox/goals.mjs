/**
 * The goals with what was found, each by a median; beside it stands what the same code in another process has reached,
 * and the floor: what the statements alone miss nobody can meet.
 *
 * Invariant: only those with the same guarantees are compared.
 */
import { printTable } from '../report.mjs'
import { DELIVERERS, LISTENERS } from './contenders.mjs'
import { databaseTitle, down, titleOf, up } from './report.mjs'

const LEAST_A_SECOND = 20_000
const LEAST_TIMES_PG_BOSS = 3
const LEAST_OF_MANY_KEYS = 1 / 3
const LONGEST_MS = 50
const MOST_TIMES_A_FLUSH = 1.25

/** Each with the process that runs the same code. */
const RELAYS = { 'relay-1': undefined, 'relay-4': 'control-4' }
const PG_BOSS = ['pg-boss-fifo', 'newest-fifo']

/** `[{ goal, name, found, control, least | most, isMet }, …]` */
export function judge(measured) {
  const all = (part) => measured.flatMap((one) => one[part] ?? [])
  const onPostgres = all('deliveries').filter(({ database }) => database === 'postgres')
  const lines = [
    ...judgeRates(onPostgres),
    ...judgeTimes(onPostgres),
    ...judgeHeat(onPostgres),
    ...all('latencies').map(judgeLatency),
    ...all('flushes').flatMap(judgeFlush),
  ]
  return lines
    .filter(({ found }) => found !== undefined)
    .map((line) => ({ ...line, isMet: 'least' in line ? line.found >= line.least : line.found < line.most }))
}

const rate = (result, name) => result?.contenders[name]?.perSecond.median

function judgeRates(results) {
  const many = results.find(({ name }) => name === 'keys-500')
  return Object.entries(RELAYS).map(([name, control]) => ({
    goal: 'messages a second on PostgreSQL with 500 keys',
    name: DELIVERERS[name].title,
    found: rate(many, name),
    control: rate(many, control),
    least: LEAST_A_SECOND,
  }))
}

function judgeTimes(results) {
  return Object.entries(RELAYS).flatMap(([relay, control]) =>
    results.flatMap((result) =>
      PG_BOSS.map((name) => ({
        goal: `times as fast as pg-boss with equal guarantees: ${DELIVERERS[relay].title}`,
        name: `${titleOf(result)}: ${DELIVERERS[name].title}`,
        found: result.contenders[name]?.relayIsTimes[relay]?.median,
        control: rate(result, control) && rate(result, name) ? rate(result, control) / rate(result, name) : undefined,
        least: LEAST_TIMES_PG_BOSS,
      })),
    ),
  )
}

function judgeHeat(results) {
  const [many, hot] = ['keys-500', 'hot-5'].map((wanted) => results.find(({ name }) => name === wanted))
  const share = (name) => (rate(many, name) && rate(hot, name) ? rate(hot, name) / rate(many, name) : undefined)
  return Object.entries(RELAYS).map(([name, control]) => ({
    goal: 'messages a second with 5 hot keys, of those with 500',
    name: DELIVERERS[name].title,
    found: share(name),
    control: share(control),
    least: LEAST_OF_MANY_KEYS,
  }))
}

function judgeLatency({ database, contenders }) {
  return {
    goal: 'milliseconds from COMMIT to the handler, p99, when idle',
    name: `${databaseTitle(database)}: ${LISTENERS.relay.title}`,
    found: contenders.relay?.p99,
    control: contenders['control-relay']?.p99,
    most: LONGEST_MS,
  }
}

function judgeFlush({ database, size, contenders: { outbox, control, ...others } }) {
  const bases = {
    events: { title: 'the same flush with its events, without outbox', floor: 'events-floor' },
    bare: { title: 'the flush without events', floor: 'floor' },
  }
  return Object.entries(bases).map(([base, { title, floor }]) => ({
    goal: `times as long as ${title}, ${size.toLocaleString('en')} rows`,
    name: databaseTitle(database),
    found: outbox.x[base].median,
    control: control.x[base].median,
    floor: others[floor].x[base].median,
    most: MOST_TIMES_A_FLUSH,
  }))
}

export function printGoals(goals) {
  for (const title of new Set(goals.map(({ goal }) => goal))) {
    console.log(`\nGoal: ${title}`)
    printTable(['', 'found', 'control', 'floor', 'wanted', ''], goals.filter(({ goal }) => goal === title).map(lineOf))
  }
}

function lineOf({ name, found, control, floor, least, most, isMet }) {
  const shown = least === undefined ? up : down
  const wanted = least === undefined ? `< ${most}` : `>= ${digitsOf(least)}`
  const verdict = isMet ? 'met' : floor > most ? 'MISSED, as would the floor' : 'MISSED'
  return [name, ...[found, control, floor].map((value) => (value === undefined ? '' : shown(value))), wanted, verdict]
}

function digitsOf(least) {
  return Number.isInteger(least) ? least.toLocaleString('en') : least.toFixed(3)
}
