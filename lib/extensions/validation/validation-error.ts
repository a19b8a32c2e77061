/**
 * What is wrong with the entities of a flush, all of it in one error.
 *
 * Invariant: the message names entities, keys and paths, and no value; what validators say stands in the failures alone.
 *
 * @module
 */
import { DataError } from '../../core/errors.js'
import { keyLabel } from '../../session/entity-map.js'

export interface ValidationFailure {
  readonly entity: object
  /** The name of its class. */
  readonly name: string
  /** Whether it was to be inserted. */
  readonly isNew: boolean
  /** As far as it is known: empty for a new entity whose key the database makes. */
  readonly key: Readonly<Record<string, unknown>>
  /** `address.city`, `tags.0`; empty for the entity as a whole. */
  readonly path: string
  /** As the validator words it, which may quote the value. */
  readonly message: string
}

/** How many failures the message names. */
const MAX_NAMED = 5

/**
 * Thrown by Validation before anything is sent. `code` is VALIDATION_FAILED.
 *
 * @example
 * if (hasErrorCode(error, 'VALIDATION_FAILED')) for (const { path, message } of (error as ValidationError).failures) form.mark(path, message)
 */
export class ValidationError extends DataError<'VALIDATION_FAILED'> {
  /** Every failure of the flush, entity by entity in the order of its unit of work. */
  readonly failures: readonly ValidationFailure[]

  constructor(failures: readonly ValidationFailure[]) {
    const places = failures.slice(0, MAX_NAMED).map(placeOf)
    const more = failures.length - places.length
    super('VALIDATION_FAILED', {
      rows: new Set(failures.map(({ entity }) => entity)).size,
      count: failures.length,
      places: `${places.join(', ')}${more > 0 ? `, and ${more} more` : ''}`,
    })
    this.failures = Object.freeze([...failures])
  }
}

function placeOf({ name, isNew, key, path }: ValidationFailure): string {
  const entity = `${isNew ? 'new ' : ''}${name}${Object.keys(key).length === 0 ? '' : ` ${keyLabel(key)}`}`
  return path === '' ? entity : `${entity} "${path}"`
}
