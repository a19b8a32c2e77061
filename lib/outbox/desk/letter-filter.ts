/**
 * Which messages a filter means.
 *
 * Invariant: decided here, to the letter, and alike on every database; SQL only leaves out what cannot fit, since databases compare case and
 * blanks as they see fit, and read signs of their own in patterns.
 *
 * @module
 */
import { checkOptions, type OptionKinds } from '../../core/check-options.js'
import { ConfigurationError } from '../../core/errors.js'
import { namesMatching } from '../name-pattern.js'
import type { LetterFilter } from '../outbox-desk.js'
import type { Row, SqlParts } from '../sql/outbox-database.js'

const KINDS: OptionKinds = { subscription: 'string', type: 'string', partitionKey: 'string', ids: 'array' }

/** @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID */
export function checkFilter(place: string, filter: LetterFilter, more: OptionKinds = {}): void {
  checkOptions(place, filter, { ...KINDS, ...more })
  if (filter.ids?.some((id) => typeof id !== 'string') === true)
    throw new ConfigurationError('OPTION_INVALID', { place, option: 'ids', wanted: 'a list of texts', given: 'a list with other things' })
}

/** Whether a row with the columns of a message, and `subscription` where the filter names one, is meant. */
export function isMeantBy({ subscription, type, partitionKey, ids }: LetterFilter): (row: Row) => boolean {
  const isName = type === undefined ? () => true : namesMatching([type])
  const wanted = ids === undefined ? undefined : new Set(ids)
  return (row) =>
    isName(String(row['type'])) &&
    (subscription === undefined || row['subscription'] === subscription) &&
    (partitionKey === undefined || row['partition_key'] === partitionKey) &&
    (wanted === undefined || wanted.has(String(row['id'])))
}

/** ` AND …` for a message `m`; empty where the filter leaves everything to {@link isMeantBy}. */
export function messageCondition({ bind, among }: SqlParts, { type, partitionKey, ids }: LetterFilter): string {
  return [
    type === undefined || type.includes('*') ? '' : ` AND m.type = ${bind(type)}`,
    partitionKey === undefined ? '' : ` AND m.partition_key = ${bind(partitionKey)}`,
    ids === undefined ? '' : ` AND ${among('m.id', ids)}`,
  ].join('')
}
