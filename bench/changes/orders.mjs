/** What a contender does for `changes.mjs`: flushes many rows in one transaction. */
import { articleValues, fillStatements } from '../processes/article.mjs'
import { milliseconds } from '../processes/clock.mjs'

export class Orders {
  #contender
  #options
  #edition = 0

  constructor(contender, options) {
    this.#contender = contender
    this.#options = options
  }

  /** Median milliseconds from BEGIN to COMMIT, on a table of its own; entities are made, or loaded and changed, before. */
  async measure({ name, size, samples }) {
    const { clear, flush, open, run, isAudited, count } = this.#contender
    for (const sql of fillStatements(this.#options, name === 'update' ? size : 1)) await run(sql)
    await clear()
    let session
    let flushes = 0
    const median = await milliseconds({
      samples,
      clock: 'wall',
      before: async () => {
        await session?.close()
        session = open()
        await this.#prepare(session, name, size)
        flushes++
      },
      run: () => flush(session),
    })
    await session.close()
    const found = await count()
    const due = { rows: name === 'update' ? size : 1 + size * flushes, audited: isAudited ? size * flushes : 0 }
    if (found.rows !== due.rows || found.audited !== due.audited)
      throw new Error(`${JSON.stringify(due)} were due, ${JSON.stringify(found)} are there`)
    await clear()
    return median
  }

  async #prepare(session, name, size) {
    const { create, load } = this.#contender
    const edition = this.#edition++
    if (name === 'insert') {
      session.add(...Array.from({ length: size }, (_, index) => create(articleValues(index + size * edition))))
      return
    }
    for (const article of await load(session)) {
      article.title = `Title ${article.id} of edition ${edition}`
      article.slug = `title-${article.id}-${edition}`
      article.views += 1
    }
  }
}
