/**
 * One connection, many units of work: they take turns.
 *
 * Knows no SQL. Invariant: first come, first served; whoever holds the connection gives it back exactly once.
 *
 * @module
 */
import { Mutex } from 'async-mutex'
import { TransactionError } from '../core/errors.js'

export interface QueueHolder {
  /** Counts the statements it has sent, to tell working from waiting. */
  readonly statements: number
}

/** How long a wait for oneself may last before it is named. */
const DEADLOCK_MS = 1_000

export class ConnectionQueue {
  readonly #mutex = new Mutex()
  #holder: QueueHolder | undefined

  /** Called each time nobody holds the connection or waits for it any more. */
  onIdle: (() => void) | undefined

  get isBusy(): boolean {
    return this.#mutex.isLocked()
  }

  /**
   * Waits for the connection.
   *
   * @param openedByCaller The unit that this same asynchronous call opened by hand, if any.
   * @returns The way to give it back.
   * @throws {TransactionError} CONNECTION_DEADLOCK when the holder is that unit and makes no progress meanwhile.
   */
  async acquire(holder: QueueHolder, waiting: string, openedByCaller: QueueHolder | undefined): Promise<() => void> {
    const turn = this.#mutex.acquire()
    const release =
      this.#mutex.isLocked() && openedByCaller !== undefined && openedByCaller === this.#holder
        ? await this.#unlessStuck(turn, waiting, openedByCaller)
        : await turn
    this.#holder = holder
    return () => {
      this.#holder = undefined
      release()
      if (!this.isBusy) this.onIdle?.()
    }
  }

  async #unlessStuck(turn: Promise<() => void>, waiting: string, holder: QueueHolder): Promise<() => void> {
    const since = Date.now()
    for (;;) {
      const { statements } = holder
      const timer = timeout(DEADLOCK_MS)
      const release = await Promise.race([turn, timer.elapsed])
      timer.cancel()
      if (release !== undefined) return release
      if (holder.statements !== statements || this.#holder !== holder) continue
      void turn.then((late) => late())
      throw new TransactionError('CONNECTION_DEADLOCK', { waiting, waitedMs: Date.now() - since })
    }
  }
}

function timeout(ms: number): { readonly elapsed: Promise<undefined>; cancel(): void } {
  let timer: NodeJS.Timeout
  const elapsed = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, ms, undefined)))
  return { elapsed, cancel: () => clearTimeout(timer) }
}
