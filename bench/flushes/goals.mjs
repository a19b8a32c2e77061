/**
 * The goals, each judged by the median of a ratio. Beside it stand the control's, which is the same code in another process, and the floor's:
 * what the raw statements miss nobody can meet.
 */
import { printTable } from '../report.mjs'
import { isUpdate } from './cases.mjs'
import { digits, titleOf } from './report.mjs'

const MANY = 10_000
/** Linear, with room for what a larger heap and larger indexes cost anybody. */
const GROWTH = 1.5

const RATIOS = [
  { base: 'floor', size: MANY, limit: 2, title: 'at most twice the raw statements' },
  { base: 'mikro-orm', size: MANY, limit: 1 / 3, title: 'at most a third of MikroORM' },
  { base: 'typeorm', size: MANY, limit: 1 / 20, cases: isUpdate, title: 'at most a twentieth of TypeORM’s save' },
  { base: 'typeorm', size: MANY, limit: 1 / 100, cases: (name) => name === 'delete', title: 'at most a hundredth of TypeORM’s remove' },
  { base: 'typeorm', size: 1, limit: 1, cases: isUpdate, title: 'not slower than TypeORM’s save of a loaded entity' },
]

const verdict = (found, limit) => (found <= limit ? 'met' : 'MISSED')

export function printGoals(results) {
  for (const { base, size, limit, cases = () => true, title } of RATIOS) {
    const judged = results.filter(({ name, size: own, contenders }) => own === size && cases(name) && contenders.flushpoint?.x[base])
    print(
      `Goal at ${size.toLocaleString('en')} ${size === 1 ? 'row' : 'rows'}: ${title}`,
      judged.map((result) => {
        const [found, control, floor] = ['flushpoint', 'control', 'floor'].map((name) => result.contenders[name]?.x[base].median)
        const isOutOfReach = floor !== undefined && floor > limit
        return {
          name: titleOf(result),
          found,
          control,
          floor,
          limit,
          verdict: verdict(found, limit) + (isOutOfReach ? ', as would the floor' : ''),
        }
      }),
    )
  }
  print(
    `Goal: linear from ${MANY.toLocaleString('en')} to ${(10 * MANY).toLocaleString('en')} rows (for each row, times as much)`,
    results.filter(({ size, heap }) => size === 10 * MANY && heap).flatMap((large) => growthOf(large, results)),
  )
}

function growthOf(large, results) {
  const small = results.find(({ database, name, size }) => database === large.database && name === large.name && size === MANY)
  if (small?.heap === undefined) return []
  const grown = (valueOf) => valueOf(large) / valueOf(small)
  const time = (contender) => grown(({ contenders, size }) => contenders[contender].millis.median / size)
  const floor = large.contenders.floor && small.contenders.floor && time('floor')
  const lines = [
    { part: 'time', found: time('flushpoint'), floor },
    { part: 'heap while flushing', found: grown(({ heap }) => heap.peak) },
    { part: 'heap afterwards', found: grown(({ heap }) => heap.kept) },
  ]
  return lines.map(({ part, found, floor }) => {
    return { name: `${titleOf(large)}: ${part}`, found, floor, limit: GROWTH, verdict: verdict(found, GROWTH) }
  })
}

function print(title, lines) {
  if (lines.length === 0) return
  console.log(`\n${title}`)
  printTable(
    ['', 'found', 'control', 'floor', 'wanted', ''],
    lines.map(({ name, found, control, floor, limit, verdict }) => [
      name,
      ...[found, control, floor].map(shown),
      `<= ${digits(limit)}`,
      verdict,
    ]),
  )
}

function shown(ratio) {
  return ratio === undefined ? '' : digits(ratio)
}
