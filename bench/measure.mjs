/**
 * Paired rounds: in every round each contender is measured once, in an order shuffled anew, on fresh tables and after a garbage
 * collection.
 *
 * The clock is mitata's `measure`; the rounds are ours, since only figures of the same round are compared with one another.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
globalThis.gc ??= runInNewContext('gc')
const { measure } = await import('mitata') // looks for gc when it is loaded

/** How many saves one contender does per round, besides one that mitata does to warm up. */
const samplesFor = (size) => (size === 1 ? 40 : 1)

const WARM_UP_ROUNDS = 5

/** Nanoseconds of the clock on the wall (mitata's own), or of processor time, all threads of this process together. */
const CLOCKS = {
  wall: undefined,
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) * 1_000
  },
}

/** Median microseconds of one `repository.save` in this round. */
export async function measureSave({ repository, dataSource, create }, { operation, size, clock = 'wall', samples = samplesFor(size) }) {
  await dataSource.synchronize(true)
  const stored = operation === 'update' ? await repository.save(create(size)) : []
  let edition = 0
  const prepare = () => {
    const entities = operation === 'insert' ? create(size) : stored
    if (operation === 'update') {
      edition++
      for (const entity of entities) entity.title = `Edition ${edition} of ${entity.id}`
    }
    return size === 1 ? entities[0] : entities
  }
  const { p50 } = await measure(
    function* () {
      yield { 0: prepare, bench: (entities) => repository.save(entities) }
    },
    {
      min_samples: samples,
      max_samples: samples,
      min_cpu_time: 0,
      warmup_threshold: 0,
      batch_threshold: 0,
      samples_threshold: Infinity,
      gc: () => globalThis.gc({ type: 'minor' }), // a full one would throw compiled code away
      ...(CLOCKS[clock] && { now: CLOCKS[clock] }),
    },
  )
  return p50 / 1_000
}

/** Microseconds per contender and round: `[{ bare: 310, none: 322, … }, …]`. */
export async function runRounds(contenders, { rounds, warmUp = WARM_UP_ROUNDS, ...what }) {
  const results = []
  for (let round = -warmUp; round < rounds; round++) {
    const micros = {}
    globalThis.gc()
    for (const contender of shuffled(contenders)) micros[contender.name] = await measureSave(contender, what)
    if (round >= 0) results.push(micros)
  }
  return results
}

function shuffled(items) {
  const rest = [...items]
  for (let last = rest.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[rest[last], rest[other]] = [rest[other], rest[last]]
  }
  return rest
}

/** The value below which a share of the values lies, with linear interpolation. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  const position = (sorted.length - 1) * share
  const below = Math.floor(position)
  const above = sorted[Math.min(below + 1, sorted.length - 1)]
  return sorted[below] + (above - sorted[below]) * (position - below)
}

export function summary(values) {
  const [min, p25, median, p75, max] = [0, 0.25, 0.5, 0.75, 1].map((share) => quantile(values, share))
  return { min, p25, median, p75, max }
}
