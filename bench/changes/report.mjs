/** Medians and ratios of flushes with and without extensions, as data and as tables. Ratios are of the same round. */
import { DATABASES } from '../databases.mjs'
import { summary } from '../measure.mjs'
import { down, up } from '../outbox/report.mjs'
import { printTable } from '../report.mjs'
import { CASES, CONTENDERS } from './contenders.mjs'

const MOST_TIMES = { audit: 1.5, capture: 1.1 }

/** @param rounds `[{ bare: 12.3, audit: 14.5, … }, …]`, milliseconds. */
export function resultOf(what, rounds) {
  const contenders = Object.keys(CONTENDERS).map((name) => [
    name,
    { millis: middle(rounds.map((round) => round[name])), x: middle(rounds.map((round) => round[name] / round.bare)) },
  ])
  return { ...what, rounds: rounds.length, contenders: Object.fromEntries(contenders) }
}

const titleOf = ({ database, name, size }) => `${DATABASES[database].title}: flush of ${size.toLocaleString('en')} ${CASES[name]}`

export function print(result) {
  console.log(`\n${titleOf(result)}, with BEGIN and COMMIT (${result.rounds} rounds)`)
  printTable(
    ['', 'ms', 'x no extension', 'middle half'],
    Object.entries(result.contenders).map(([name, { millis, x }]) => [
      CONTENDERS[name],
      up(millis.median),
      up(x.median),
      `${down(x.p25)}..${up(x.p75)}`,
    ]),
  )
}

/** `[{ goal, name, found, control, most, isMet }, …]` */
export function judge(results) {
  return results.flatMap((result) =>
    Object.entries(MOST_TIMES).map(([name, most]) => {
      const found = result.contenders[name].x.median
      return {
        goal: CONTENDERS[name],
        name: titleOf(result),
        found,
        control: result.contenders.control.x.median,
        most,
        isMet: found <= most,
      }
    }),
  )
}

export function printGoals(goals) {
  console.log('\nGoals: times the same flush without the extension, at most')
  printTable(
    ['', '', 'at most', 'found', 'A/A control', ''],
    goals.map(({ goal, name, found, control, most, isMet }) => [
      goal,
      name,
      String(most),
      up(found),
      up(control),
      isMet ? 'met' : 'missed',
    ]),
  )
}

function middle(values) {
  const { p25, median, p75 } = summary(values)
  const rounded = (value) => Number(value.toPrecision(4))
  return { median: rounded(median), p25: rounded(p25), p75: rounded(p75) }
}
