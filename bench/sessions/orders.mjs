/** What a contender does for `sessions.mjs`: loads, changes, flushes. */
import { fillStatements } from '../processes/article.mjs'
import { milliseconds } from '../processes/clock.mjs'

/** A case by its name: how many rows it starts with, what is done before the clock starts, and what is timed. */
const CASES = {
  none: { rows: (size) => size, change: () => undefined },
  one: { rows: (size) => size, change: ({ entities, edition }) => retitle(entities[edition % entities.length], edition) },
  update: { rows: (size) => size, change: ({ entities, edition }) => entities.forEach((entity) => retitle(entity, edition)) },
  insert: { rows: () => 1, isFresh: true },
  delete: { rows: (size, samples) => size * (samples + 1) }, // mitata does one more, to warm up
}

function retitle(entity, edition) {
  entity.title = `Edition ${edition} of ${entity.id}`
}

export class Orders {
  #contender
  #options
  #entities = []
  #edition = 0

  constructor(contender, options) {
    this.#contender = contender
    this.#options = options
  }

  /** Fresh tables, and everything in them loaded into a fresh session. */
  async prepare({ name, size, samples }) {
    await this.#fill(CASES[name].rows(size, samples))
    await this.#contender.begin()
    this.#entities = await this.#contender.load()
  }

  async #fill(count) {
    for (const statement of fillStatements(this.#options, count)) await this.#contender.run(statement)
  }

  /** Median milliseconds of one flush. */
  measure({ name, size, samples, clock }) {
    const { change } = CASES[name]
    const { create, add, remove, flush } = this.#contender
    const entities = this.#entities
    const next = () => ++this.#edition
    switch (name) {
      case 'insert':
        return milliseconds({
          samples,
          clock,
          before: () => Array.from({ length: size }, () => create(next())),
          run: async (created) => {
            add(created)
            await flush()
          },
        })
      case 'delete':
        return milliseconds({
          samples,
          clock,
          before: () => entities.splice(0, size),
          run: async (left) => {
            remove(left)
            await flush()
          },
        })
      default:
        return milliseconds({ samples, clock, before: () => change({ entities, edition: next() }), run: flush })
    }
  }

  /** Bytes of heap per loaded entity, the entity itself included. */
  async memory({ size }) {
    await this.#fill(size)
    await this.#loadOnce() // compiles, and fills what is kept for good
    const before = await this.#heap()
    this.#entities = await this.#contender.load()
    const bytes = ((await this.#heap()) - before) / size
    await this.#loadOnce()
    return bytes
  }

  async #loadOnce() {
    await this.#contender.begin()
    await this.#contender.load()
    this.#entities = []
    await this.#contender.begin()
  }

  async #heap() {
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      globalThis.gc()
    }
    return process.memoryUsage().heapUsed
  }
}
