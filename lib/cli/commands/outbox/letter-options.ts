/**
 * The options that name messages, and the filter they make.
 *
 * Invariant: an option that was not given is not in the filter.
 *
 * @module
 */
import { CliError } from '../../../core/errors.js'
import type { LetterFilter } from '../../../outbox/outbox-desk.js'
import { flag, text, texts, type ValuesOf } from '../../options.js'

export const SUBSCRIPTION = text('NAME', { short: 's', help: 'of this subscription alone' })
export const TYPE = text('PATTERN', { short: 't', help: 'of event names that fit, such as "film.*"; "*" stands for any characters' })

export const LETTER_OPTIONS = {
  subscription: SUBSCRIPTION,
  type: TYPE,
  key: text('KEY', { short: 'k', help: 'of this partition key alone' }),
  id: texts('ID', { help: 'of the event with this id; may be repeated' }),
}

/** For commands that change what they find. */
export const CHANGE_OPTIONS = { ...LETTER_OPTIONS, all: flag('of every subscription, type and key') }

export const JSON_OPTION = { json: flag('prints one JSON value instead of tables') }

export function letterFilter({ subscription, type, key, id }: ValuesOf<typeof LETTER_OPTIONS>): LetterFilter {
  return {
    ...(subscription !== undefined && { subscription }),
    ...(type !== undefined && { type }),
    ...(key !== undefined && { partitionKey: key }),
    ...(id.length > 0 && { ids: id }),
  }
}

/** @throws {CliError} CLI_FILTER_MISSING, CLI_FILTER_AND_ALL unless either a filter or --all was given. */
export function deliberateFilter(command: string, values: ValuesOf<typeof CHANGE_OPTIONS>): LetterFilter {
  const filter = letterFilter(values)
  const isFiltered = Object.keys(filter).length > 0
  if (isFiltered && values.all) throw new CliError('CLI_FILTER_AND_ALL', { command })
  if (!isFiltered && !values.all) throw new CliError('CLI_FILTER_MISSING', { command, filters: '--subscription, --type, --key, --id' })
  return filter
}
