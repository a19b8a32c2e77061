/**
 * What registering something gives back.
 *
 * Knows nothing of what was registered. Invariant: ending twice is ending once.
 *
 * @module
 */
import type { Connection } from '../core/signal.js'

export function connection(end: () => void): Connection {
  let isOver = false
  const undo = () => {
    if (isOver) return
    isOver = true
    end()
  }
  return Object.assign(undo, { [Symbol.dispose]: undo })
}
