/**
 * One write by query, as its hooks see it.
 *
 * Knows no SQL of its own: it holds what the statement says. Invariant: images can be asked for until the statement is sent, and only the
 * strongest wish counts.
 *
 * @module
 */
import { SessionError } from '../core/errors.js'
import type { BulkImages, BulkKind, BulkStatement } from '../mapper/bulk-statement.js'
import type { Change } from '../mapper/change.js'

export interface BulkFacts {
  readonly kind: BulkKind
  readonly target: BulkStatement['target']
  readonly where: BulkStatement['where']
  readonly values: BulkStatement['values']
  readonly orIgnore: boolean
  readonly orUpdate: boolean
  isA(target: unknown): boolean
  /** Why its rows cannot be told, if they cannot. */
  readonly unsupported: string | undefined
}

const STRENGTH: Readonly<Record<BulkImages, number>> = { keys: 1, before: 2, both: 3 }

export class BulkWrite {
  readonly kind: BulkKind
  readonly target: BulkStatement['target']
  readonly where: BulkStatement['where']
  readonly values: BulkStatement['values']
  readonly orIgnore: boolean
  readonly orUpdate: boolean
  readonly #facts: BulkFacts
  #images: BulkImages | undefined
  #needsTransaction = false
  #isSent = false
  #affected: number | undefined
  #changes: readonly Change[] | undefined

  constructor(facts: BulkFacts) {
    this.#facts = facts
    this.kind = facts.kind
    this.target = facts.target
    this.where = facts.where
    this.values = facts.values
    this.orIgnore = facts.orIgnore
    this.orUpdate = facts.orUpdate
  }

  get affected(): number | undefined {
    return this.#affected
  }

  get changes(): readonly Change[] | undefined {
    return this.#changes
  }

  /** What hooks asked for, if anything. */
  get images(): BulkImages | undefined {
    return this.#images
  }

  wantImages(images: BulkImages): void {
    if (this.#isSent) throw new SessionError('BULK_IMAGES_TOO_LATE', { kind: this.kind, method: 'wantImages' })
    if (this.#facts.unsupported !== undefined)
      throw new SessionError('BULK_IMAGES_UNSUPPORTED', { kind: this.kind, reason: this.#facts.unsupported })
    if (this.#images === undefined || STRENGTH[images] > STRENGTH[this.#images]) this.#images = images
  }

  /** Images need one as well. */
  get needsTransaction(): boolean {
    return this.#needsTransaction || this.#images !== undefined
  }

  wantTransaction(): void {
    if (this.#isSent) throw new SessionError('BULK_IMAGES_TOO_LATE', { kind: this.kind, method: 'wantTransaction' })
    this.#needsTransaction = true
  }

  is(target: unknown): boolean {
    return this.#facts.isA(target)
  }

  send(): void {
    this.#isSent = true
  }

  finish(affected: number | undefined, changes: readonly Change[] | undefined): void {
    this.#affected = affected
    this.#changes = changes
  }

  toString(): string {
    const target = typeof this.target === 'string' ? this.target : this.target.name
    return `bulk ${this.kind} ${target}${this.#affected === undefined ? '' : ` (${this.#affected} rows)`}`
  }
}
