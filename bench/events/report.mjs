/** Tables of events: what tracking and delivering many of them takes, beside a list kept by hand, and how it grows with their number. */
import { digits } from '../flushes/report.mjs'
import { summary } from '../measure.mjs'
import { printTable } from '../report.mjs'

export const TITLES = {
  flushpoint: 'track',
  control: 'the same again (A/A control)',
  'by-hand': 'a list kept by hand',
}
const PARTS = ['tracked', 'delivered']
const GROWTH = 1.5

const number = (value) => value.toLocaleString('en')
const titleOf = ({ size, isAsync }) => `${number(size)} events, ${isAsync ? 'an async' : 'a synchronous'} listener`

export function resultOfEvents(what, rounds) {
  const contenders = Object.keys(rounds[0]).map((name) => [
    name,
    Object.fromEntries(PARTS.map((part) => [part, summary(rounds.map((round) => round[name][part]))])),
  ])
  return { ...what, rounds: rounds.length, contenders: Object.fromEntries(contenders) }
}

export function printEvents({ rounds, contenders, turns, heap, ...what }) {
  console.log(`\n${titleOf(what)}, in one transaction (${rounds} rounds)`)
  printTable(
    ['', 'ms to track', 'middle half', 'ms to commit and deliver', 'middle half', 'turns', 'bytes an event', 'afterwards'],
    Object.keys(TITLES).map((name) => [
      TITLES[name],
      ...PARTS.flatMap((part) => {
        const { median, p25, p75 } = contenders[name][part]
        return [digits(median), `${digits(p25)}..${digits(p75)}`]
      }),
      String(turns[name]),
      ...Object.values(heap[name]).map(String),
    ]),
  )
}

export function judgeEvents(results) {
  const passes = results.map((result) => ({
    goal: 'delivered in one pass (turns of the event loop between the first and the last)',
    name: titleOf(result),
    found: result.turns.flushpoint,
    control: result.turns.control,
    limit: 0,
  }))
  const growth = [false, true].flatMap((isAsync) => growthOf(results.filter((result) => result.isAsync === isAsync)))
  return [...passes, ...growth]
}

/** For each event, times as much as with the fewest; time, with a tenth of them: a handful of events costs a commit each. */
function growthOf(results) {
  const [fewest] = results
  return results.slice(1).flatMap((result, index) => {
    const before = results[index]
    const millis = ({ contenders, size }, name) => (contenders[name].tracked.median + contenders[name].delivered.median) / size
    const grown = { goal: 'linear (for each event, times as much as with fewer)', limit: GROWTH }
    return [
      {
        ...grown,
        name: `${titleOf(result)}: heap, to ${number(fewest.size)}`,
        found: result.heap.flushpoint.waiting / fewest.heap.flushpoint.waiting,
        control: result.heap.control.waiting / fewest.heap.control.waiting,
      },
      {
        ...grown,
        name: `${titleOf(result)}: time, to ${number(before.size)}`,
        found: millis(result, 'flushpoint') / millis(before, 'flushpoint'),
        control: millis(result, 'control') / millis(before, 'control'),
      },
    ]
  })
}
