/**
 * One contender in a process of its own: takes orders from `sessions.mjs` or `flushes.mjs` as lines of JSON, answers each with one line.
 *
 * Must run without flushpoint, on Node 22 as well. A contender is `{ name, run, create, begin, load, add, remove, flush }`:
 * `begin` starts with an empty session, `load` reads all articles into it, `flush` writes what `add`, `remove` and changes have left.
 * One that finds no changes by itself has `change(entities, columnsOf)` besides, where `columnsOf(index)` names the columns.
 */
import { createInterface } from 'node:readline'

export async function serve(open) {
  const input = createInterface({ input: process.stdin })
  const setup = JSON.parse(process.argv[2])
  let orders
  for await (const line of input) {
    const order = JSON.parse(line)
    try {
      orders ??= await ordersFor(setup, await open(setup))
      answer({ value: await orders[order.method](order) })
    } catch (error) {
      answer({ error: error.stack ?? String(error) })
    }
  }
  process.exit()
}

async function ordersFor({ orders, options }, contender) {
  const { Orders } = await import(`../${orders}/orders.mjs`)
  return Object.assign(new Orders(contender, options), { about: () => ({ name: contender.name, node: process.version }) })
}

function answer(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
