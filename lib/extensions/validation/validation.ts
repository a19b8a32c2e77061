/**
 * The session extension that refuses to write what is not valid.
 *
 * Uses public hooks alone. Invariant: either every entity of a flush has passed its checks, or nothing of that flush is sent.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { DataSource } from 'typeorm'
import type { Session } from '../../mapper/session.js'
import { SessionExtension } from '../../session/session-extension.js'
import { countedIssues, verdictsOf, type Candidate } from './counted-issues.js'
import { subjectOf } from './subject.js'
import { ValidationError, type ValidationFailure } from './validation-error.js'
import { checksOf, type ValidationOptions } from './validation-plans.js'
import { copyOf, writeBack } from './write-back.js'

/** What was written back, so that it is not put through schemas again in the next round, or the next try. */
const settled = new WeakMap<object, { readonly options: ValidationOptions; readonly document: unknown }>()

const NO_OPTIONS: ValidationOptions = Object.freeze({})

/**
 * Validates entities before they are inserted or updated, by schemas or by class-validator, in `beforeWrite`: all before-hooks have run, so
 * ids and automatic fields are there, and nothing is sent. List it behind extensions that change entities in `beforeWrite` as well.
 *
 * All failures of a flush are thrown as one {@link ValidationError}; the work stays pending, and can be written once it is mended.
 *
 * A schema gets a plain object: columns by name, embedded ones nested, to-one relations as the key of the other row (`{ id: 7 }`); other
 * relations are not in it. Properties that were not set are left out, so a nullable column is `.nullish()` to zod. class-validator gets the
 * entity itself. On update, what the entity has not loaded is taken from the row where that was read for the write (as `save` does), so that
 * rules on several values see all of them.
 *
 * Not counted as failures: on update, what was wrong in the row before and is not on the entity, or is not known at all; on insert, what is
 * missing and the database or the relation's other row fills in (generated keys, dates, versions, defaults, foreign keys).
 *
 * What a schema itself throws, or rejects with, instead of answering issues, is thrown as that very error: it names no entity, and nothing is sent.
 *
 * Not validated: deletions, soft removal and recovery; entities of which only the members of a to-many change; statements by query; and what
 * `withoutExtensions` writes.
 *
 * @example
 * const UserSchema = z.object({ email: z.email(), name: z.string().min(1) })
 * sessionSubscriber({ extensions: [AutoFields, Validation.with({ schemas: [[User, UserSchema]] })] })
 */
export class Validation extends SessionExtension {
  static override readonly optionNames = { schemas: 'optional', classValidator: 'optional', writeBack: 'optional' } as const

  /** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID · CLASS_VALIDATOR_MISSING */
  static override checkInstall(dataSource: DataSource, options: unknown): void {
    checksOf(dataSource, (options ?? NO_OPTIONS) as ValidationOptions)
  }

  readonly #options: ValidationOptions

  constructor(session: Session, options: ValidationOptions = NO_OPTIONS) {
    super(session)
    this.#options = options
  }

  /** @throws {ValidationError} */
  override async beforeWrite(): Promise<void> {
    const failures: ValidationFailure[] = []
    const outputs: (readonly [Candidate, unknown])[] = []
    for (const candidate of this.#candidates()) {
      const verdicts = await verdictsOf(candidate.checks, candidate.subject)
      const issues = verdicts.flatMap((verdict) => verdict.issues)
      const { entity, metadata, state, isNew } = candidate
      for (const { path, message } of issues.length === 0 ? [] : await countedIssues(candidate, issues))
        failures.push({ entity, name: metadata.name, isNew, key: state.key, path: path.join('.'), message })
      for (const { output } of verdicts) if (output !== undefined) outputs.push([candidate, output])
    }
    if (failures.length > 0) throw new ValidationError(failures)
    if (this.#options.writeBack === true) this.#writeBack(outputs)
  }

  #candidates(): readonly Candidate[] {
    const checks = checksOf(this.session.dataSource, this.#options)
    const { uow } = this.session
    return [...uow.new, ...uow.dirty].flatMap((entity) => {
      const state = this.session.state(entity)
      const ofClass = checks.get(state.target)
      const isNew = uow.new.has(entity)
      if (ofClass === undefined || (!isNew && Object.keys(state.changes).length === 0)) return []
      const metadata = this.session.dataSource.getMetadata(state.target)
      const subject = subjectOf(metadata, entity, state)
      return this.#isSettled(entity, subject.document) ? [] : [{ entity, state, metadata, isNew, checks: ofClass, subject }]
    })
  }

  #isSettled(entity: object, document: object): boolean {
    const known = settled.get(entity)
    return known?.options === this.#options && isDeepStrictEqual(known.document, document)
  }

  #writeBack(outputs: readonly (readonly [Candidate, unknown])[]): void {
    for (const [candidate, output] of outputs) writeBack(candidate, output)
    for (const [{ entity, metadata, state }] of outputs) {
      settled.set(entity, { options: this.#options, document: copyOf(subjectOf(metadata, entity, state).document) })
    }
  }
}
