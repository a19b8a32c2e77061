/**
 * Sequences that were skipped, and may turn up yet: of two transactions the one with the later numbers may commit first.
 *
 * Knows no table. Invariant: keeps no more than the newest {@link MOST}, each for {@link PATIENCE_MS}: what was rolled back or deleted never
 * turns up.
 *
 * @module
 */
const MOST = 1_000
/** Messages are stored just before their COMMIT. */
const PATIENCE_MS = 10_000

export class LateCommits {
  /** When each was missed, in ascending order of both. */
  readonly #missing = new Map<number, number>()
  #last: number

  /** @param last What comes up to there, and was not skipped, is known. */
  constructor(last: number) {
    this.#last = last
  }

  /** The highest sequence that was seen. */
  get last(): number {
    return this.#last
  }

  /** What may turn up yet. */
  missing(nowMs: number): readonly number[] {
    for (const [sequence, sinceMs] of this.#missing) {
      if (sinceMs + PATIENCE_MS > nowMs) break
      this.#missing.delete(sequence)
    }
    return [...this.#missing.keys()]
  }

  /** Told in ascending order, except for what was missing. */
  seen(sequence: number, nowMs: number): void {
    this.#missing.delete(sequence)
    if (sequence <= this.#last) return
    for (let skipped = Math.max(this.#last + 1, sequence - MOST); skipped < sequence; skipped++) this.#missing.set(skipped, nowMs)
    this.#last = sequence
    for (const oldest of this.#missing.keys()) {
      if (this.#missing.size <= MOST) break
      this.#missing.delete(oldest)
    }
  }
}
