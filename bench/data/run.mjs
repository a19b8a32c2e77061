/** A process that dumps so many rows, loads them into another database, and tells how long it took and how much memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
require('reflect-metadata')
const { DataSource, EntitySchema } = require('typeorm')
const { dumpData, loadData } = require('../../dist/extensions/index.js')

const BATCH = 400
const SAMPLE_EVERY_MS = 25
const MEGABYTE = 1024 * 1024

const Author = new EntitySchema({
  name: 'Author',
  columns: { id: { type: 'int', primary: true, generated: true }, name: { type: 'varchar' } },
})
const Article = new EntitySchema({
  name: 'Article',
  columns: {
    id: { type: 'int', primary: true, generated: true },
    title: { type: 'varchar' },
    text: { type: 'text' },
    rating: { type: 'float', nullable: true },
    votes: { type: 'bigint', nullable: true },
    publishedOn: { type: 'date', nullable: true },
    isOpen: { type: Boolean, default: false },
  },
  relations: { author: { type: 'many-to-one', target: 'Author', nullable: true } },
})

process.once('message', async (plan) => {
  process.send(await measure(plan))
  process.disconnect()
})

async function measure({ from, to, rows }) {
  const entities = [Author, Article]
  const source = await new DataSource({ ...from, entities, synchronize: true }).initialize()
  await fill(source, rows)
  const dir = mkdtempSync(join(tmpdir(), 'flushpoint-bench-data-'))
  try {
    const dump = await watched(rows, (onProgress) => dumpData(source, dir, { onProgress }))
    await source.destroy()
    const target = await new DataSource({ ...to, entities, synchronize: true }).initialize()
    const load = await watched(rows * 2, (onProgress) => loadData(target, dir, { onProgress }))
    await target.destroy()
    return { dump, load }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function fill(dataSource, rows) {
  await dataSource.transaction(async (manager) => {
    await manager.getRepository('Author').insert(Array.from({ length: 100 }, (_none, index) => ({ name: `author ${index}` })))
    for (let at = 0; at < rows - 100; at += BATCH)
      await manager.getRepository('Article').insert(articles(at, Math.min(BATCH, rows - 100 - at)))
  })
}

function articles(from, count) {
  return Array.from({ length: count }, (_none, index) => ({
    title: `article ${from + index}`,
    text: `text of ${from + index} `.repeat(20),
    rating: (from + index) / 7,
    votes: String(from + index),
    publishedOn: '2026-11-22',
    isOpen: index % 2 === 0,
    author: { id: 1 + (index % 100) },
  }))
}

/** @param steps rows that will be told of, so that memory is looked at twenty times. */
async function watched(steps, work) {
  let [live, peak, next] = [0, 0, 0]
  globalThis.gc() // what filling the tables has left
  const heap = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return (heapUsed + arrayBuffers) / MEGABYTE
  }
  const timer = setInterval(() => (peak = Math.max(peak, heap())), SAMPLE_EVERY_MS)
  let seen = 0
  let last = 0
  const started = performance.now()
  await work(({ done }) => {
    seen += done >= last ? done - last : done
    last = done
    if (seen < next) return
    next = seen + steps / 20
    globalThis.gc()
    live = Math.max(live, heap())
  })
  const seconds = (performance.now() - started) / 1_000
  clearInterval(timer)
  return { seconds, liveMb: live, peakMb: peak }
}
