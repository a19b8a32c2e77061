/** Tables of signals: each contender's time for a send, and its ratio to the fastest that does the same, in the same round. */
import { digits } from '../flushes/report.mjs'
import { summary } from '../measure.mjs'
import { printTable } from '../report.mjs'
import { CASES, TITLES } from './cases.mjs'

const OURS = ['signal', 'control', 'model', 'dispatch']
const LIMIT = 1.2

/** By what they have shown: one receiver after another, each awaited, an error stops and reaches the sender. */
const isEqual = ({ isAwaited, stopsAtError }) => isAwaited && stopsAtError

/** Medians and ratios. What gives a promise is compared with the fastest other that does; what gives none, with `emit`. */
export function resultOfSignals(rounds, semantics) {
  return Object.keys(CASES).map((key) => {
    const found = rounds.map((round) => round[key])
    const nanos = Object.fromEntries(Object.keys(found[0]).map((name) => [name, summary(found.map((round) => round[name])).median]))
    const others = Object.keys(nanos).filter((name) => !OURS.includes(name) && TITLES[name].isAwaited && isEqual(semantics[name]))
    const fastest = others.sort((one, other) => nanos[one] - nanos[other])[0]
    const baseOf = (name) => [TITLES[name].isAwaited ? fastest : 'emit'].find((base) => base in nanos)
    const contenders = Object.keys(TITLES)
      .filter((name) => name in nanos)
      .map((name) => {
        const base = baseOf(name)
        return [name, { nanos: nanos[name], ...(base && { base, x: summary(found.map((round) => round[name] / round[base])) }) }]
      })
    return { key, rounds: found.length, contenders: Object.fromEntries(contenders) }
  })
}

export function printSemantics(semantics) {
  console.log('\nWhat a send does with receivers of both kinds, the third of which fails')
  printTable(
    ['', 'one after another, awaited', 'an error stops it and is thrown', 'a plain function’s promise, too', 'errors lost'],
    Object.entries(semantics).map(([name, { isAwaited, stopsAtError, awaitsAnyPromise, lost }]) => [
      TITLES[name].title,
      isAwaited ? 'yes' : 'no',
      stopsAtError ? 'yes' : 'no',
      awaitsAnyPromise ? 'yes' : 'no',
      String(lost),
    ]),
  )
}

export function printSignals({ key, rounds, contenders }) {
  console.log(`\n${CASES[key].title} (${rounds} rounds)`)
  printTable(
    ['', 'ns a send', 'ratio', 'middle half', 'to'],
    Object.entries(contenders).map(([name, { nanos, base, x }]) => [
      TITLES[name].title,
      nanos.toFixed(0),
      ...(x ? [digits(x.median), `${digits(x.p25)}..${digits(x.p75)}`, base] : ['', '', '']),
    ]),
  )
}

export function judgeSignals(results) {
  return results.flatMap(({ key, contenders }) =>
    ['signal', 'model', 'dispatch'].flatMap((name) => {
      const { base, x } = contenders[name] ?? {}
      if (x === undefined) return []
      return [
        {
          goal: `at most ${LIMIT} times the fastest with equal semantics`,
          name: `${CASES[key].title}: ${TITLES[name].title}, to ${base}`,
          found: x.median,
          control: name === 'signal' ? contenders.control?.x.median : undefined,
          limit: LIMIT,
        },
      ]
    }),
  )
}
