/** The clock is mitata's `measure`, as in `measure.mjs`; what is timed here may need many runs or one. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
globalThis.gc ??= runInNewContext('gc')
const { measure } = await import('mitata') // looks for gc when it is loaded

/** Processor time, all threads of this process together, in nanoseconds. */
function processorTime() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1_000
}

/** Median milliseconds of `run`, which gets what `before` has made outside of the time taken. Both run once more, to warm up. */
export async function milliseconds({ samples, clock, before, run }) {
  const { p50 } = await measure(
    function* () {
      yield { 0: before, bench: (prepared) => run(prepared) } // without a parameter mitata would not call `before`
    },
    {
      min_samples: samples,
      max_samples: samples,
      min_cpu_time: 0,
      warmup_threshold: 0,
      batch_threshold: 0,
      samples_threshold: Infinity,
      ...(clock === 'cpu' && { now: processorTime }),
      gc: () => globalThis.gc({ type: 'minor' }), // a full one would throw compiled code away
    },
  )
  return p50 / 1_000_000
}
