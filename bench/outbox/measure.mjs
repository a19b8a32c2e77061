/**
 * The three measurements of `outbox.mjs` on one database, each in rounds: in every round everybody is measured once, in shuffled order.
 */
import { shuffled, startContender } from '../processes/contender.mjs'
import { DELIVERERS, flusherScripts, FLUSHERS, LISTENERS, messagesFor, scriptsFor } from './contenders.mjs'
import { databaseTitle, resultOfDeliveries, resultOfFlushes, resultOfLatency } from './report.mjs'
import { openServer } from './server.mjs'

/** Who has not handled all by then is measured by what it has. */
const LIMIT_MS = 10_000
/** Enough to compile what is measured. */
const WARM_UP = { messages: 2_000, share: 1 / 4, flushes: 3 }
const GAP_MS = { from: 20, to: 50 }
const FLUSH = { size: 1_000, samples: 5 }

/** How fast what was loaded before is handled. */
export async function measureDeliveries({ key, cases, contenders, messages, rounds, ...run }) {
  const server = await openServer(key)
  const scripts = scriptsFor(run.flags, key)
  const names = contenders.filter((name) => DELIVERERS[name].process in scripts)
  const deliver = async (running, { who, name, isWarmUp }) => {
    const { process, settings, ...deliverer } = DELIVERERS[who]
    const most = messagesFor(deliverer, name, messages)
    const count = isWarmUp ? Math.min(WARM_UP.messages, Math.ceil(most * WARM_UP.share)) : most
    const order = { name, messages: count, settings: deliverer.cases?.[name] ?? settings }
    const loadMillis = await running[process].ask('load', order)
    await server.settle()
    const found = await running[process].ask('deliver', { ...order, limitMs: LIMIT_MS })
    run.progress(`${name}, ${who}`)
    return { messages: order.messages, loadMillis, ...found }
  }
  const found = Object.fromEntries(cases.map((name) => [name, []]))
  const inRounds = async (running) => {
    for (let round = -1; round < rounds; round++) {
      for (const name of cases) {
        const one = {}
        for (const who of shuffled(names)) one[who] = await deliver(running, { who, name, isWarmUp: round < 0 })
        if (round >= 0) found[name].push(one)
      }
    }
  }
  try {
    await withProcesses(scriptsOf(names, DELIVERERS, scripts), { orders: 'outbox', key, ...run }, inRounds)
  } finally {
    await server.close()
  }
  return cases.map((name) => resultOfDeliveries({ database: key, name }, found[name]))
}

/** How soon a message is handled while there is nothing else to do. Rounds are parts of the messages. */
export async function measureLatency({ key, latencyMessages, latencyRounds, ...run }) {
  const scripts = scriptsFor(run.flags, key)
  const names = Object.keys(LISTENERS).filter((name) => LISTENERS[name].process in scripts)
  const found = Object.fromEntries(names.map((name) => [name, []]))
  await withProcesses(scriptsOf(names, LISTENERS, scripts), { orders: 'outbox', key, ...run }, async (running) => {
    for (let round = 0; round < latencyRounds; round++) {
      for (const who of shuffled(names)) {
        const { process, settings, messages = latencyMessages, gapMs = GAP_MS } = LISTENERS[who]
        const count = Math.ceil(messages / latencyRounds)
        found[who].push(...(await running[process].ask('latency', { messages: count, gapMs, settings })))
        run.progress(`latency, ${who}`)
      }
    }
  })
  return [resultOfLatency({ database: key }, found)]
}

/** What a flush of many rows takes with and without the outbox. */
export async function measureFlushes({ key, flushRounds, ...run }) {
  const rounds = []
  await withProcesses(flusherScripts(run.flags), { orders: 'outbox/flush', key, ...run }, async (running) => {
    for (let round = -WARM_UP.flushes; round < flushRounds; round++) {
      const one = {}
      for (const who of shuffled(Object.keys(FLUSHERS))) one[who] = await running[who].ask('measure', { ...FLUSH, edition: round })
      if (round >= 0) rounds.push(one)
      run.progress('flush')
    }
  })
  return [resultOfFlushes({ database: key, size: FLUSH.size }, rounds)]
}

function scriptsOf(names, of, scripts) {
  return [...new Set(names.map((name) => of[name].process))].map((name) => scripts[name])
}

/** `measure(running)` with each process by its name. */
async function withProcesses(scripts, { orders, key, database, say }, measure) {
  const running = {}
  try {
    for (const [index, script] of scripts.entries()) {
      const options = await database.options(`c${index}`) // names of statements are made of it, and are 63 characters at most
      const setup = { orders, options: { ...options, ...(key === 'file' && { enableWAL: true }) } }
      running[script.name] = await startContender(script, setup)
    }
    const abouts = Object.values(running).map(({ about }) => `${about.name} (Node ${about.node})`)
    say(`\n${databaseTitle(key)}: ${[...new Set(abouts)].join(', ')}`)
    return await measure(running)
  } finally {
    for (const contender of Object.values(running)) await contender.close()
  }
}
