/**
 * Writes messages of many keys, some by transactions that are rolled back, and goes on where the last process that did so was killed.
 *
 * @module
 */
import { track } from 'flushpoint/events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DataSource } from 'typeorm'
import { Done, instructions, openDatabase, parentsWord, randomFrom } from './outbox-program.js'

class Undone extends Error {}

async function nextNumber(dataSource: DataSource): Promise<number> {
  const last: unknown = await dataSource.getRepository('Written').maximum('n' as never)
  return last === null ? 0 : Number(last) + 1
}

async function main(): Promise<void> {
  const { total = 0, keys = 1 } = instructions
  const random = randomFrom(instructions.seed)
  const dataSource = await openDatabase()
  await parentsWord()
  let next = await nextNumber(dataSource)
  while (next < total) {
    const count = Math.min(total - next, 1 + Math.floor(random() * 50))
    const isUndone = random() < 0.2
    const rows = Array.from({ length: count }, (_, index) => ({ n: next + index, id: `k${Math.floor(random() * keys)}` }))
    const written = dataSource.transaction(async (manager) => {
      await manager.insert('Written', rows)
      for (const row of rows) track(new Done(isUndone ? { ...row, isUndone } : row))
      if (isUndone) throw new Undone()
    })
    await written.catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error
    })
    if (!isUndone) next += count
    await sleep(random() * 8)
  }
  await dataSource.destroy()
  process.exit(0)
}

void main()
