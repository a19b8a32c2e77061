/** A CPU profile of some calls alone, without what comes before each. */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

const MICROS_BETWEEN_SAMPLES = 100
const LISTED = 30

/** Writes the profile to `file`, for DevTools or speedscope. @returns The functions with most time of their own, in milliseconds a call. */
export async function profileOf({ samples, file, before, run }) {
  const inspector = new Session()
  inspector.connect()
  await inspector.post('Profiler.enable')
  await inspector.post('Profiler.setSamplingInterval', { interval: MICROS_BETWEEN_SAMPLES })
  const profiles = []
  for (let sample = 0; sample < samples; sample++) {
    await before()
    await inspector.post('Profiler.start')
    await run()
    profiles.push(withoutProfiler((await inspector.post('Profiler.stop')).profile))
  }
  inspector.disconnect()
  writeFileSync(file, JSON.stringify(joined(profiles)))
  return selfTimes(profiles).slice(0, LISTED)
}

/** What the profiler itself takes to start and stop is more than a small flush. */
function withoutProfiler({ nodes, samples, timeDeltas, ...rest }) {
  const own = new Set()
  for (const { id, callFrame, children = [] } of nodes) {
    if (own.has(id) || callFrame.url === 'node:inspector') for (const one of [id, ...children]) own.add(one)
  }
  const kept = samples.flatMap((id, index) => (own.has(id) ? [] : [index]))
  return { ...rest, nodes, samples: kept.map((index) => samples[index]), timeDeltas: kept.map((index) => timeDeltas[index]) }
}

/** Profiles one after another, below one root. */
function joined(profiles) {
  const root = { id: 1, callFrame: { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 }, children: [] }
  const all = { nodes: [root], samples: [], timeDeltas: [], startTime: profiles[0].startTime, endTime: profiles.at(-1).endTime }
  for (const { nodes, samples, timeDeltas } of profiles) {
    const offset = all.nodes.length + 1
    root.children.push(nodes[0].id + offset)
    for (const node of nodes) all.nodes.push({ ...node, id: node.id + offset, children: (node.children ?? []).map((id) => id + offset) })
    for (const id of samples) all.samples.push(id + offset)
    for (const micros of timeDeltas) all.timeDeltas.push(micros)
  }
  return all
}

function selfTimes(profiles) {
  const micros = new Map()
  for (const { nodes, samples, timeDeltas } of profiles) {
    const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
    for (const [index, id] of samples.entries()) micros.set(names.get(id), (micros.get(names.get(id)) ?? 0) + timeDeltas[index])
  }
  return [...micros].sort(([, one], [, other]) => other - one).map(([name, total]) => ({ name, millis: total / profiles.length / 1_000 }))
}

function nameOf({ functionName, url, lineNumber }) {
  const place = url.split('/').slice(-2).join('/')
  return `${functionName || '(anonymous)'}${place === '' ? '' : ` ${place}:${lineNumber + 1}`}`
}
