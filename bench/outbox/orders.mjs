/**
 * What a contender does for `outbox.mjs`, alike for all: keeps messages and delivers them, or takes the time from a commit to the handler.
 *
 * A contender is `{ name, prepare, load, start, stop, listen, unlisten, send }`. `prepare` leaves it with nothing to deliver, `load` keeps
 * messages, `start` gets ready and answers with what begins to hand them to a function that may fail; `listen` begins in the way that
 * suits one message at a time, `send` commits one and says when it is about to. All are given the settings of the order besides.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { messagesOf } from './cases.mjs'
import { Record } from './record.mjs'

const UNCOUNTED = 10

export class Orders {
  #contender

  constructor(contender) {
    this.#contender = contender
  }

  /** Milliseconds it took to keep all. */
  async load({ name, messages, settings }) {
    await this.#contender.prepare(settings)
    const start = performance.now()
    await this.#contender.load(messagesOf(name, messages))
    return performance.now() - start
  }

  /** What became of the messages that were loaded, from the moment all loops begin. */
  async deliver({ name, messages, settings, limitMs }) {
    const record = new Record(name, messages)
    const begin = await this.#contender.start({ ...settings, handle: record.handle })
    record.start(limitMs)
    await begin()
    await record.over
    const result = record.result()
    await this.#contender.stop()
    return result
  }

  /** Milliseconds from the moment COMMIT is sent to that in which the handler is called, one message after another. */
  async latency({ messages, gapMs, settings }) {
    await this.#contender.prepare(settings)
    const waiting = new Map()
    const handle = async ({ n }) => waiting.get(n)?.(performance.now())
    await this.#contender.listen({ ...settings, handle })
    const found = []
    for (const message of messagesOf('keys-500', messages + UNCOUNTED)) {
      await delay(gapMs.from + Math.random() * (gapMs.to - gapMs.from))
      let committedAt
      const handled = new Promise((resolve) => waiting.set(message.n, resolve))
      await this.#contender.send(message, { ...settings, beforeCommit: () => (committedAt = performance.now()) })
      const handledAt = await handled
      if (message.n >= UNCOUNTED) found.push(handledAt - committedAt)
    }
    await this.#contender.unlisten()
    return found
  }
}
