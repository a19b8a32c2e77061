/**
 * What a signal costs beside Node's EventEmitter, emittery and tapable, and what events that wait for a commit cost: after a build
 * `node bench/signals.mjs [--quick] [--json] [--rounds 20] [--clock cpu] [--parts signals,events] [--sizes 1000,10000,100000]
 * [--contenders signal,control,tapable]`.
 *
 * Each contender has a process of its own; in every round each is measured once, in shuffled order. emittery and tapable take part once
 * `npm install --prefix bench/contenders` has been run. See README.md.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DATABASES } from './databases.mjs'
import { judgeEvents, printEvents, resultOfEvents, TITLES as EVENT_TITLES } from './events/report.mjs'
import { machineNow } from './flushes/report.mjs'
import { shuffled, startContender } from './processes/contender.mjs'
import { CASES, contendersHere, takesPart, TITLES } from './signals/cases.mjs'
import { judgeSignals, printSemantics, printSignals, resultOfSignals } from './signals/report.mjs'
import { printGoals } from './signals/goals.mjs'

const SAMPLES = 5
const HEAP_SAMPLES = 5
/** A transaction of so many events is measured once a round, a smaller one more often. */
const LARGE = 100_000

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    clock: { type: 'string', default: 'wall' },
    parts: { type: 'string', default: 'signals,events' },
    sizes: { type: 'string', default: `1000,10000,${LARGE}` },
    contenders: { type: 'string', default: Object.keys(TITLES).join() },
  },
})
const say = (line) => (flags.json ? process.stderr.write(`${line}\n`) : console.log(line))
const sizes = flags.sizes.split(',').map(Number)
const WARM_UP_ROUNDS = flags.quick ? 1 : 4

const machine = machineNow(flags)
say(`\nSignals and events: ${Object.values(machine).join(', ')}`)
const results = { machine }
const goals = []
for (const part of flags.parts.split(',')) await { signals: measureSignals, events: measureEvents }[part]()
if (flags.json) console.log(JSON.stringify({ ...results, goals }, null, 2))
else printGoals(goals)

/** `measure(running)` with a process for each contender. */
async function withContenders(names, { folder, options }, measure) {
  const script = fileURLToPath(new URL(`./${folder}/contender.mjs`, import.meta.url))
  const running = []
  try {
    for (const name of names)
      running.push(await startContender({ name, script, node: process.execPath, args: [] }, { orders: folder, options }))
    return await measure(running)
  } finally {
    for (const contender of running) await contender.close()
  }
}

async function measureSignals() {
  const { names, missing } = contendersHere(flags.contenders.split(','))
  if (missing.length > 0) say(`${missing.join(', ')}: not installed (npm install --prefix bench/contenders), measured without`)
  await withContenders(names, { folder: 'signals' }, async (running) => {
    const semantics = {}
    for (const { name, ask } of running) semantics[name] = await ask('semantics')
    const rounds = await inRounds(Number(flags.rounds ?? (flags.quick ? 3 : 20)), () => roundOfSignals(running))
    const signals = resultOfSignals(rounds, semantics)
    results.signals = { semantics, cases: signals }
    goals.push(...judgeSignals(signals))
    if (flags.json) return
    printSemantics(semantics)
    signals.forEach(printSignals)
  })
}

/** Every case once for every contender, so that all have seen all kinds of receivers. */
async function roundOfSignals(running) {
  const round = {}
  for (const [key, one] of Object.entries(CASES)) {
    round[key] = {}
    for (const { name, ask } of shuffled(running.filter(({ name }) => takesPart(name, one)))) {
      const order = { ...one, isAwaited: TITLES[name].isAwaited, samples: SAMPLES, clock: flags.clock }
      round[key][name] = await ask('measure', order)
    }
  }
  return round
}

async function measureEvents() {
  const database = await DATABASES.memory.open()
  await withContenders(Object.keys(EVENT_TITLES), { folder: 'events', options: database.options() }, async (running) => {
    const events = []
    for (const size of sizes) {
      for (const isAsync of [false, true]) {
        const what = { size, isAsync }
        const samples = size < LARGE ? SAMPLES : 1
        const count = Math.ceil(Number(flags.rounds ?? (flags.quick ? 3 : 10)) / (size < LARGE ? 1 : 2))
        const rounds = await inRounds(count, async () => {
          const round = {}
          for (const { name, ask } of shuffled(running)) round[name] = await ask('measure', { ...what, samples, clock: flags.clock })
          return round
        })
        events.push({ ...resultOfEvents(what, rounds), ...(await measureOnce(running, what)) })
        if (!flags.json) printEvents(events.at(-1))
      }
    }
    results.events = events
    goals.push(...judgeEvents(events))
  })
  await database.close()
}

async function measureOnce(running, what) {
  const turns = {}
  const heap = {}
  for (const { name, ask } of running) {
    turns[name] = await ask('turns', what)
    const found = []
    for (let sample = 0; sample < HEAP_SAMPLES; sample++) found.push(await ask('heap', what))
    const median = (part) => found.map((one) => one[part]).sort((a, b) => a - b)[Math.floor(HEAP_SAMPLES / 2)]
    heap[name] = { waiting: Math.round(median('waiting')), kept: Math.round(median('kept')) }
  }
  return { turns, heap }
}

async function inRounds(count, measure) {
  const found = []
  for (let round = -WARM_UP_ROUNDS; round < count; round++) {
    const one = await measure()
    if (round >= 0) found.push(one)
  }
  return found
}
