/** What a contender does for `signals.mjs` with events: tracks many in one transaction, commits it, and waits until all are delivered. */
import { milliseconds } from '../processes/clock.mjs'

export class Orders {
  #contender
  /** The transaction that is open: `commit` ends it, `heard` are the events that have come. */
  #open

  constructor(contender) {
    this.#contender = contender
  }

  /** Median milliseconds of tracking all, events made included, and of the commit with the delivery of all. */
  async measure({ size, isAsync, samples, clock }) {
    const tracked = []
    const delivered = await milliseconds({
      samples,
      clock,
      before: async () => void tracked.push(await this.#begin({ size, isAsync, clock })),
      run: () => this.#commit(),
    })
    this.#check(size)
    return { tracked: tracked.sort((a, b) => a - b)[Math.floor(tracked.length / 2)], delivered }
  }

  /** Turns of the event loop between the first and the last event that was heard: none where all come in one pass. */
  async turns({ size, isAsync }) {
    await this.#begin({ size, isAsync })
    let turns = 0
    let isOver = false
    const count = () => {
      if (isOver) return
      if (this.#open.heard > 0) turns++
      setImmediate(count)
    }
    this.#open.onFirst = () => setImmediate(count)
    this.#open.onLast = () => (isOver = true)
    await this.#commit()
    this.#check(size)
    return turns
  }

  /** Bytes of heap per event, the event included, while all wait for the commit; and per event once all are delivered. */
  async heap({ size, isAsync }) {
    await this.#begin({ size, isAsync })
    await this.#commit() // compiles, and fills what is kept for good
    const before = await heapUsed()
    await this.#begin({ size, isAsync })
    const waiting = (await heapUsed()) - before
    await this.#commit()
    const kept = (await heapUsed()) - before
    return { waiting: waiting / size, kept: kept / size }
  }

  /** Milliseconds it took to track all. The transaction stays open. */
  async #begin({ size, isAsync, clock }) {
    const { create, listen, track, transaction } = this.#contender
    const open = (this.#open = { heard: 0, isInOrder: true })
    const hear = ({ articleId }) => {
      if (articleId !== open.heard) open.isInOrder = false
      if (open.heard++ === 0) open.onFirst?.()
      if (open.heard === size) open.onLast?.()
    }
    listen(isAsync ? async (event) => hear(event) : hear)
    const now = clock === 'cpu' ? processorMillis : () => performance.now()
    return new Promise((resolve, reject) => {
      open.over = transaction(async (manager) => {
        await manager.query('INSERT INTO "written" DEFAULT VALUES')
        const start = now()
        for (let number = 0; number < size; number++) track(create(number))
        const millis = now() - start
        await new Promise((commit) => {
          open.commit = commit
          resolve(millis)
        })
      })
      open.over.catch(reject)
    })
  }

  async #commit() {
    if (this.#open.heard > 0) throw new Error(`${this.#open.heard} events came before the commit`)
    this.#open.commit()
    await this.#open.over
    await this.#contender.settled()
  }

  #check(size) {
    const { heard, isInOrder } = this.#open
    if (heard !== size || !isInOrder) throw new Error(`${size} events were due, ${heard} came${isInOrder ? '' : ', not in order'}`)
  }
}

function processorMillis() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

async function heapUsed() {
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    globalThis.gc()
  }
  return process.memoryUsage().heapUsed
}
