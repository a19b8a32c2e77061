/**
 * Stores messages that belong to no transaction.
 *
 * Invariant: they are stored in the order they were told, one transaction after another; what is told while one is under way goes with the
 * next, all of it by one statement.
 *
 * @module
 */
import { outsideOfWork } from '../events/open-work.js'
import type { NewMessage } from './message.js'
import { storeMessages } from './message-store.js'
import type { OutboxSettings } from './outbox-settings.js'
import { wakeRelays } from './wake-up.js'

const queues = new WeakMap<OutboxSettings, Queue>()

/** Stores messages by a transaction of its own, outside of whatever is around the call. */
export function storeAlone(messages: readonly NewMessage[], settings: OutboxSettings): Promise<void> {
  let queue = queues.get(settings)
  if (queue === undefined) queues.set(settings, (queue = new Queue(settings)))
  return queue.store(messages)
}

interface Waiting {
  readonly messages: NewMessage[]
  readonly stored: Promise<void>
}

class Queue {
  readonly #settings: OutboxSettings
  #waiting: Waiting | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(settings: OutboxSettings) {
    this.#settings = settings
  }

  store(messages: readonly NewMessage[]): Promise<void> {
    if (this.#waiting === undefined) this.#waiting = this.#behindLast()
    for (const message of messages) this.#waiting.messages.push(message)
    return this.#waiting.stored
  }

  #behindLast(): Waiting {
    const messages: NewMessage[] = []
    const stored = this.#last.then(() => {
      this.#waiting = undefined
      return this.#transaction(messages)
    })
    this.#last = stored.catch(() => undefined) // told to whoever waits for it
    return { messages, stored }
  }

  #transaction(messages: readonly NewMessage[]): Promise<void> {
    const { database, dataSource } = this.#settings
    return outsideOfWork(async () => {
      await database.transaction((connection) => storeMessages(connection, messages, this.#settings))
      wakeRelays(dataSource)
    })
  }
}
