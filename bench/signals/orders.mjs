/** What a contender does for `signals.mjs`: sends one payload to receivers many times, and shows how it treats them. */
import { setTimeout as delay } from 'node:timers/promises'
import { milliseconds } from '../processes/clock.mjs'

/** A sample of many sends: one takes nanoseconds. */
const SENDS = 20_000

export class Orders {
  #contender
  #senders = new Map()

  constructor(contender) {
    this.#contender = contender
  }

  /** Median nanoseconds of one send. `isAwaited` says whether the caller awaits it, as it must where a promise comes back. */
  async measure({ receivers, isAsync, isAwaited, samples, clock }) {
    const { send, model } = this.#senderFor(receivers, isAsync)
    const sends = Math.ceil(SENDS / (receivers + 1))
    const payload = payloadOf(model)
    const run = isAwaited ? () => awaitEach(send, payload, sends) : () => callEach(send, payload, sends)
    const millis = await milliseconds({ samples, clock, before: () => undefined, run })
    const expected = receivers * sends * (samples + 1) // mitata does one more, to warm up
    if (payload.heard !== expected) throw new Error(`${expected} calls of receivers were due, ${payload.heard} came`)
    return (millis * 1e6) / sends
  }

  /** What four receivers, one of them failing, have seen of one another. */
  async semantics() {
    const seen = []
    let lost = 0
    const countLost = () => lost++
    process.on('unhandledRejection', countLost)
    const { send, model } = this.#open([
      async () => {
        await delay(5)
        seen.push('first')
      },
      () => void seen.push('second'),
      async () => {
        throw new Error('third')
      },
      () => void seen.push('fourth'),
    ])
    const error = await caught(() => send(payloadOf(model)))
    await delay(20)
    process.off('unhandledRejection', countLost)
    return {
      isAwaited: seen[0] === 'first' && seen[1] === 'second',
      stopsAtError: error?.message === 'third' && !seen.includes('fourth'),
      awaitsAnyPromise: await this.#awaitsAnyPromise(),
      lost,
    }
  }

  /** Whether a promise is awaited that comes from a function which is not async by its syntax. */
  async #awaitsAnyPromise() {
    const seen = []
    const { send, model } = this.#open([() => delay(5).then(() => void seen.push('first')), () => void seen.push('second')])
    await send(payloadOf(model))
    await delay(20)
    return seen[0] === 'first'
  }

  #senderFor(count, isAsync) {
    const key = `${count} ${isAsync}`
    if (!this.#senders.has(key)) this.#senders.set(key, this.#open(Array.from({ length: count }, isAsync ? asyncReceiver : receiver)))
    return this.#senders.get(key)
  }

  /** About a class of its own: receivers of one model would hear of every list's payloads. */
  #open(receivers) {
    class Article {}
    return { model: Article, send: this.#contender.open(receivers, Article) }
  }
}

function payloadOf(model) {
  return { sender: model, instance: new model(), heard: 0 }
}

const receiver = () => (payload) => void payload.heard++
const asyncReceiver = () => async (payload) => void payload.heard++

async function awaitEach(send, payload, count) {
  for (let sent = 0; sent < count; sent++) await send(payload)
}

function callEach(send, payload, count) {
  for (let sent = 0; sent < count; sent++) send(payload)
}

async function caught(call) {
  try {
    await call()
  } catch (error) {
    return error
  }
}
