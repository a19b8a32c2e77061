/**
 * The part of the error catalogue that validation and automatic fields throw.
 *
 * Invariant: as in `errors.ts`, of which it is a part; no value of a row is in it.
 *
 * @module
 */
import { entry } from './error-entry.js'

export const VALIDATION_ERRORS = {
  AUTO_ID_EXHAUSTED: entry<{ readonly entity: string; readonly property: string; readonly draws: number }>(
    ({ entity, property, draws }) => `Cannot find a free "${property}" for a new ${entity}: all of ${draws} draws were taken`,
    'have AutoFields draw from a larger set: generate: () => string, in its options or in those of @AutoId',
  ),
  AUTO_ID_INVALID: entry<{ readonly entity: string; readonly property: string; readonly given: string }>(
    ({ entity, property, given }) =>
      `Cannot use what was generated as "${property}" of ${entity}: wanted is a text that is not empty, current value is ${given}`,
    'have the generate function of AutoFields answer a text, and no promise',
  ),
  AUTHOR_UNUSABLE: entry<{ readonly entity: string; readonly property: string; readonly wanted: string; readonly given: string }>(
    ({ entity, property, wanted, given }) =>
      `Cannot put the author into "${property}" of ${entity}: wanted is ${wanted}, current value is ${given}`,
    'give AutoFields the option authorOf: (context) => …, which answers the key of the author, or null for nobody',
  ),
  VALIDATION_FAILED: entry<{ readonly rows: number; readonly count: number; readonly places: string }>(
    ({ rows, count, places }) =>
      `Cannot write ${rows} ${rows === 1 ? 'entity' : 'entities'} with ${count} invalid ${count === 1 ? 'value' : 'values'}: ${places}`,
    'mend what the failures of this error list, and write again; nothing has been sent',
  ),
  CLASS_VALIDATOR_MISSING: entry<{ readonly cause: string }>(
    ({ cause }) => `Cannot validate with class-validator: it could not be loaded (${cause})`,
    'npm install class-validator, or leave the option classValidator out',
  ),
} as const
