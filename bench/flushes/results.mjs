/** What was measured last, for the chart: medians alone. */
import { store as storeAll, stored as storedAll } from '../results.mjs'

/** By database: `{ machine, results }`. */
export const stored = () => storedAll('flushes')

export const store = (database, { machine, results }) => storeAll('flushes', { [database]: { machine, results: results.map(mediansOf) } })

function mediansOf({ name, size, rounds, contenders, heap }) {
  const medians = Object.entries(contenders).map(([contender, { millis, mark, x }]) => {
    const ratios = Object.entries(x).map(([base, { median }]) => [base, median])
    return [contender, { millis: millis.median, ...(mark > 0 && { mark }), x: Object.fromEntries(ratios) }]
  })
  return { name, size, rounds, ...(heap && { heap }), contenders: Object.fromEntries(medians) }
}
