/**
 * What a contender does for `flushes.mjs`: makes work pending and flushes it.
 *
 * Invariant: the same orders with the same edition leave the same table, whoever obeys.
 */
import { createHash } from 'node:crypto'
import { GCProfiler } from 'node:v8'
import { COLUMNS, editedValues, fillStatements, moreStatement } from '../processes/article.mjs'
import { milliseconds } from '../processes/clock.mjs'
import { CASES, isUpdate } from './cases.mjs'
import { profileOf } from './profile.mjs'

/** Rows that nobody touches, where a case would otherwise leave an empty table or begin with one. */
const KEPT = 3
/** New rows are numbered apart in so many editions; more would be numbers beyond an integer column. */
const EDITIONS = 1_000

const byId = (one, other) => one.id - other.id

export class Orders {
  #contender
  #options

  constructor(contender, options) {
    this.#contender = contender
    this.#options = options
  }

  /**
   * Median milliseconds of a flush, and of what is called before it (`add`, `remove`), over `samples` flushes on one fresh table, each by
   * a fresh session.
   */
  async measure({ samples, clock, ...what }) {
    await this.#fill(what)
    const marks = []
    let edition = what.edition
    const flush = await milliseconds({
      samples,
      clock,
      before: async () => void marks.push((await this.#makePending({ ...what, edition: edition++ })).millis),
      run: () => this.#contender.flush(),
    })
    return { flush, mark: marks.sort((a, b) => a - b)[Math.floor(marks.length / 2)] }
  }

  /**
   * What one flush has left: a digest of the table, and whether the entities in memory say the same as their rows. Inserted rows count by
   * their order alone: MariaDB leaves gaps between the keys of one statement and the next.
   */
  async verify(what) {
    await this.#fill(what)
    const { entities } = await this.#makePending(what)
    await this.#contender.flush()
    const expected = what.name === 'delete' ? [] : digests(entities)
    await this.#contender.begin()
    const table = (await this.#contender.load()).sort(byId)
    const rows = new Set(digests(table))
    const compared = what.name === 'insert' ? digests(table, Object.keys(COLUMNS)) : [...rows]
    return { rows: table.length, table: digest(compared.join()), isInStep: expected.every((one) => rows.has(one)) }
  }

  /** Milliseconds of one flush, and bytes of heap for each row: at its highest, garbage included, and what remains afterwards. */
  async heap(what) {
    await this.#fill(what)
    await this.#contender.begin()
    const empty = await this.#heapUsed()
    const { entities } = await this.#makePending(what)
    const before = await this.#heapUsed()
    const collections = new GCProfiler()
    collections.start()
    const start = performance.now()
    await this.#contender.flush()
    const flush = performance.now() - start
    const used = process.memoryUsage().heapUsed
    const peak = Math.max(used, ...collections.stop().statistics.map(({ beforeGC }) => beforeGC.heapStatistics.usedHeapSize))
    const kept = (await this.#heapUsed()) - empty
    return { flush, rows: entities.length, peak: (peak - before) / what.size, kept: kept / what.size }
  }

  /** Profiles `samples` flushes, without what surrounds them, after as many that are not profiled. */
  async profile({ samples, file, ...what }) {
    await this.#fill(what)
    let edition = what.edition
    const makePending = async () => {
      await this.#makePending({ ...what, edition: edition++ })
      globalThis.gc({ type: 'minor' }) // as the clock does
    }
    for (let sample = 0; sample < samples; sample++) {
      await makePending()
      await this.#contender.flush()
    }
    return profileOf({ samples, file, before: makePending, run: () => this.#contender.flush() })
  }

  async #fill({ name, size }) {
    for (const statement of fillStatements(this.#options, isUpdate(name) ? size : KEPT)) await this.#contender.run(statement)
  }

  /** A fresh session with all of the work pending, and what it took to tell it. */
  async #makePending({ name, size, edition }) {
    const { begin, create, add, remove, run } = this.#contender
    await begin()
    if (name === 'insert') {
      const entities = Array.from({ length: size }, (_, index) => create((edition % EDITIONS) * size + index))
      return { entities, millis: await millisOf(() => add(entities)) }
    }
    if (name === 'delete') await run(moreStatement(this.#options, size))
    const entities = (await this.#contender.load()).sort(byId)
    if (name === 'delete') {
      const left = entities.slice(KEPT)
      return { entities: left, millis: await millisOf(() => remove(left)) }
    }
    this.#edit(entities, { columnsOf: CASES[name].columnsOf, edition })
    return { entities, millis: 0 }
  }

  #edit(entities, { columnsOf, edition }) {
    for (const [index, entity] of entities.entries()) {
      const values = editedValues(entity.id, edition)
      for (const column of columnsOf(index)) entity[column] = values[column]
    }
    this.#contender.change?.(entities, columnsOf)
  }

  async #heapUsed() {
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      globalThis.gc()
    }
    return process.memoryUsage().heapUsed
  }
}

async function millisOf(call) {
  const start = performance.now()
  await call()
  return performance.now() - start
}

function digests(entities, names = ['id', ...Object.keys(COLUMNS)]) {
  return entities.map((entity) => digest(JSON.stringify(names.map((name) => entity[name]))))
}

function digest(text) {
  return createHash('sha1').update(text).digest('hex')
}
