/**
 * The table as text, and the verdict on each goal. Ratios are printed with three digits, rounded up: never in flushpoint's favour.
 */
import { summary } from './measure.mjs'

export const ONE_EXTENSION_LIMIT = 1.15
const ONE_EXTENSION = ['session1', 'mapper1']

const ceil = (value, digits) => (Math.ceil(value * 10 ** digits - 1e-9) / 10 ** digits).toFixed(digits)
const floor = (value, digits) => (Math.floor(value * 10 ** digits + 1e-9) / 10 ** digits).toFixed(digits)

/** What each contender took, and its ratio to bare TypeORM in the same round. */
export function compare(contenders, rounds) {
  return contenders.map(({ name, title }) => ({
    name,
    title,
    micros: summary(rounds.map((round) => round[name])).median,
    ratio: summary(rounds.map((round) => round[name] / round.bare)),
  }))
}

/** A control that strays further than what is to be told apart decides nothing, neither for flushpoint nor against it. */
const isTooNoisy = ({ p25, p75 }) => p75 > ONE_EXTENSION_LIMIT || p25 < 1 / ONE_EXTENSION_LIMIT

/** The goals for one case, judged by medians: nothing overridden within the middle half of the control, one extension at most 1.15. */
export function judge(rows) {
  const of = (name) => rows.find((row) => row.name === name).ratio
  const limit = of('control').p75
  const verdict = (isMet) => (isTooNoisy(of('control')) ? 'undecided' : isMet ? 'met' : 'MISSED')
  return [
    { goal: 'none', wanted: limit, found: of('none').median, verdict: verdict(of('none').median <= limit) },
    ...ONE_EXTENSION.map((name) => ({
      goal: name,
      wanted: ONE_EXTENSION_LIMIT,
      found: of(name).median,
      verdict: verdict(of(name).median <= ONE_EXTENSION_LIMIT),
    })),
  ]
}

export function caseTitle({ database, operation, size, rounds }) {
  return `${database}: ${operation} of ${size === 1 ? 'one entity' : `${size.toLocaleString('en')} entities`} (${rounds} rounds)`
}

export function printCase(result) {
  const cells = result.rows.map(({ title, micros, ratio }) => [
    title,
    milliseconds(micros),
    ceil(ratio.median, 3),
    `${floor(ratio.p25, 3)}..${ceil(ratio.p75, 3)}`,
    `${floor(ratio.min, 2)}..${ceil(ratio.max, 2)}`,
  ])
  console.log(`\n${caseTitle(result)}`)
  printTable(['', 'ms a save', 'x bare', 'middle half', 'min..max'], cells)
}

export function milliseconds(micros) {
  return ceil(micros / 1_000, micros < 10_000 ? 3 : 1)
}

export function printTable(head, lines) {
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column].length)))
  const pad = (text, column) => (column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column]))
  for (const line of [head, ...lines]) console.log(`  ${line.map(pad).join('  ')}`.trimEnd())
}

export function printVerdicts(results) {
  console.log('\nGoals: with nothing overridden within the control’s middle half, with one empty extension at most 1.15 times bare TypeORM')
  const lines = results.flatMap((result) =>
    result.goals.map(({ goal, wanted, found, verdict }) => [
      `${result.database}, ${result.operation} of ${result.size}`,
      result.rows.find((row) => row.name === goal).title,
      ceil(found, 3),
      `<= ${floor(wanted, 3)}`,
      verdict,
    ]),
  )
  printTable(['', 'contender', 'x bare', 'wanted', ''], lines)
}
