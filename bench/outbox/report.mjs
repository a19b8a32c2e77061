/**
 * Medians and ratios of the outbox, as data and as tables. Ratios are of the same round, and rounded so that flushpoint is never favoured.
 */
import { DATABASES } from '../databases.mjs'
import { digits } from '../flushes/report.mjs'
import { quantile, summary } from '../measure.mjs'
import { printTable } from '../report.mjs'
import { CASES } from './cases.mjs'
import { DELIVERERS, FLUSHERS, LISTENERS } from './contenders.mjs'

/** Who is compared with everybody. */
const RELAYS = ['relay-1', 'relay-4']
const FLUSH_BASES = { bare: 'no events', events: 'no outbox' }

const number = (value) => Math.round(value).toLocaleString('en')
export const titleOf = ({ database, name }) => `${databaseTitle(database)}: ${CASES[name].title}`

export function databaseTitle(key) {
  return key === 'file' ? `${DATABASES[key].title}, WAL` : DATABASES[key].title
}

const perSecond = ({ handled, millis }) => (1_000 * handled) / millis

/** @param rounds `[{ 'relay-1': { handled, millis, … }, … }, …]` */
export function resultOfDeliveries(what, rounds) {
  const contenders = Object.keys(DELIVERERS)
    .filter((name) => name in rounds[0])
    .map((name) => {
      const own = rounds.map((round) => round[name])
      const total = (part) => own.reduce((sum, one) => sum + one[part], 0)
      const found = {
        messages: own[0].messages,
        perSecond: middle(own.map(perSecond)),
        relayIsTimes: timesOf(rounds, name),
        load: middle(own.map(({ messages, loadMillis }) => (1_000 * messages) / loadMillis)).median,
        late: total('late'),
        again: total('again'),
        unhandled: total('messages') - total('handled'),
      }
      return [name, found]
    })
  return { ...what, rounds: rounds.length, contenders: Object.fromEntries(contenders) }
}

function timesOf(rounds, name) {
  const relays = RELAYS.filter((relay) => relay in rounds[0])
  return Object.fromEntries(relays.map((relay) => [relay, middle(rounds.map((round) => perSecond(round[relay]) / perSecond(round[name])))]))
}

export function printDeliveries(result) {
  console.log(`\n${titleOf(result)} (${result.rounds} rounds)`)
  const relays = RELAYS.filter((relay) => relay in result.contenders)
  const heads = relays.flatMap((relay) => [`${relay} is x`, 'middle half'])
  printTable(
    ['', 'messages', 'a second', 'middle half', ...heads, 'late', 'again', 'not in time', 'kept a second'],
    Object.entries(result.contenders).map(([name, { messages, perSecond, relayIsTimes, load, late, again, unhandled }]) => [
      DELIVERERS[name].title,
      number(messages),
      number(perSecond.median),
      `${number(perSecond.p25)}..${number(perSecond.p75)}`,
      ...relays.map((relay) => relayIsTimes[relay]).flatMap(({ median, p25, p75 }) => [down(median), `${down(p25)}..${up(p75)}`]),
      ...[late, again, unhandled].map((count) => (count === 0 ? '' : number(count))),
      number(load),
    ]),
  )
}

export function resultOfLatency(what, millis) {
  const contenders = Object.entries(millis).map(([name, found]) => {
    const [median, p99, max] = [0.5, 0.99, 1].map((share) => rounded(quantile(found, share)))
    return [name, { messages: found.length, median, p99, max }]
  })
  return { ...what, contenders: Object.fromEntries(contenders) }
}

export function printLatency({ database, contenders }) {
  console.log(`\n${databaseTitle(database)}: from COMMIT to the handler, one message at a time`)
  printTable(
    ['', 'messages', 'ms, median', 'p99', 'longest'],
    Object.entries(contenders).map(([name, { messages, ...found }]) => [
      LISTENERS[name].title,
      number(messages),
      ...Object.values(found).map(up),
    ]),
  )
}

/** @param rounds `[{ bare: 12.3, outbox: 14.5, … }, …]`, milliseconds. */
export function resultOfFlushes(what, rounds) {
  const contenders = Object.keys(FLUSHERS).map((name) => {
    const ratios = Object.keys(FLUSH_BASES).map((base) => [base, middle(rounds.map((round) => round[name] / round[base]))])
    return [name, { millis: middle(rounds.map((round) => round[name])), x: Object.fromEntries(ratios) }]
  })
  return { ...what, rounds: rounds.length, contenders: Object.fromEntries(contenders) }
}

export function printFlushes({ database, size, rounds, contenders }) {
  console.log(`\n${databaseTitle(database)}: flush of ${number(size)} new rows, with BEGIN and COMMIT (${rounds} rounds)`)
  printTable(
    ['', 'ms', 'middle half', ...Object.values(FLUSH_BASES).flatMap((base) => [`x ${base}`, 'middle half'])],
    Object.entries(contenders).map(([name, { millis, x }]) => [
      FLUSHERS[name],
      up(millis.median),
      `${digits(millis.p25)}..${up(millis.p75)}`,
      ...Object.keys(FLUSH_BASES).flatMap((base) => [up(x[base].median), `${digits(x[base].p25)}..${up(x[base].p75)}`]),
    ]),
  )
}

function middle(values) {
  const { p25, median, p75 } = summary(values)
  return { median: rounded(median), p25: rounded(p25), p75: rounded(p75) }
}

const rounded = (value) => Number(value.toPrecision(4))

/** Three digits, rounded up or down. */
export const up = (value) => threeDigits(value, Math.ceil)
export const down = (value) => threeDigits(value, Math.floor)

function threeDigits(value, round) {
  if (value === 0 || value >= 1_000) return number(round(value))
  const unit = 10 ** (Math.floor(Math.log10(value)) - 2)
  return digits(round(value / unit - Math.sign(round(0.5) - 0.5) * 1e-9) * unit)
}
