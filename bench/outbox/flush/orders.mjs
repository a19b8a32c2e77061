/** What a contender does for `outbox.mjs` with a flush: inserts many rows, each with an event or without, in one transaction. */
import { articleValues, fillStatements, tableName } from '../../processes/article.mjs'
import { milliseconds } from '../../processes/clock.mjs'

export class Orders {
  #contender
  #options

  constructor(contender, options) {
    this.#contender = contender
    this.#options = options
  }

  /** Median milliseconds from BEGIN to COMMIT. Entities are made and added before, and the outbox is emptied. */
  async measure({ size, samples }) {
    const { clear, close, create, flush, learn, open, run } = this.#contender
    for (const sql of fillStatements(this.#options, 1)) await run(sql)
    const articlesOf = (offset) => Array.from({ length: size }, (_, index) => create({ ...articleValues(index + offset) }))
    await learn(articlesOf(1).map((article, index) => Object.assign(article, { id: index + 1 })))
    let session
    let flushes = 0
    const median = await milliseconds({
      samples,
      clock: 'wall',
      before: async () => {
        if (session !== undefined) await close(session)
        await clear()
        const articles = articlesOf(size * flushes++)
        session = open(articles)
        return articles
      },
      run: (articles) => flush(session, articles),
    })
    await close(session)
    await this.#check({ rows: size * flushes, messages: this.#contender.hasMessages ? size : 0 })
    return median
  }

  async #check({ rows, messages }) {
    const { count, kept } = this.#contender
    const found = { rows: (await count(tableName(this.#options))) - 1, messages: await kept() }
    if (found.rows !== rows || found.messages !== messages)
      throw new Error(`${JSON.stringify({ rows, messages })} were due, ${JSON.stringify(found)} are there`)
  }
}
