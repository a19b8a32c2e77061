/**
 * For each mapped class the checks its rows have to pass.
 *
 * Puts options and mappings together, and refuses what does not fit; checks no row. Invariant: a class that is given schemas has those, one
 * that is not has those of the nearest class above it.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import { checkOptions, type OptionKinds } from '../../core/check-options.js'
import { describeValue } from '../../core/describe-value.js'
import { ConfigurationError } from '../../core/errors.js'
import type { StandardSchemaV1 } from '../../events/standard-schema.js'
import type { EntityRef } from '../../mapper/entity-types.js'
import { lineOf, mappedTarget, type Target } from '../mapped-target.js'
import { isStandardSchema, schemaCheck, type Check } from './check.js'
import { CLASS_VALIDATOR_OPTIONS, classValidatorCheck, type ClassValidatorOptions } from './class-validator.js'

/** A class, its EntitySchema or its name, and what its rows must be. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- schemas of any values
export type EntityValidation = readonly [entity: EntityRef<any> | string, schema: StandardSchemaV1<any, any>]

export interface ValidationOptions {
  /**
   * Schemas of zod, valibot, arktype or any other Standard Schema; several for one class all count. Those of a class hold for the classes below
   * it that are given none. @defaultValue none
   */
  readonly schemas?: readonly EntityValidation[]
  /** Whether entities are validated by class-validator's decorators as well, or its options. The package has to be installed. @defaultValue `false` */
  readonly classValidator?: boolean | ClassValidatorOptions
  /**
   * Whether columns get what schemas make of them, once everything is valid: trimmed texts, defaults of new entities. Keys and relations do not, nor
   * does what was not loaded. @defaultValue `false`
   */
  readonly writeBack?: boolean
}

export type Checks = ReadonlyMap<Target, readonly Check[]>

const known = new WeakMap<DataSource, WeakMap<ValidationOptions, Checks>>()

/**
 * The checks of each class that has any; made once.
 *
 * @throws {ConfigurationError} OPTION_UNKNOWN · OPTION_INVALID · CLASS_VALIDATOR_MISSING
 */
export function checksOf(dataSource: DataSource, options: ValidationOptions): Checks {
  let ofDataSource = known.get(dataSource)
  if (ofDataSource === undefined) known.set(dataSource, (ofDataSource = new WeakMap()))
  let checks = ofDataSource.get(options)
  if (checks === undefined) ofDataSource.set(options, (checks = makeChecks(dataSource, options)))
  return checks
}

function makeChecks({ entityMetadatas }: DataSource, options: ValidationOptions): Checks {
  assertOptions(options)
  const { schemas = [], classValidator = false } = options
  const listed = new Map<Target, Check[]>()
  for (const [entity, schema] of schemas) {
    const target = mappedTarget(entityMetadatas, entity, { place: 'Validation', option: 'schemas' })
    const checks = listed.get(target)
    if (checks === undefined) listed.set(target, [schemaCheck(schema)])
    else checks.push(schemaCheck(schema))
  }
  const common = classValidator === false ? [] : [classValidatorCheck(classValidator === true ? {} : classValidator)]
  const all = entityMetadatas
    .filter(({ isJunction }) => !isJunction)
    .map((metadata) => {
      const nearest = lineOf(metadata).find((target) => listed.has(target))
      return [metadata.target, [...(nearest === undefined ? [] : listed.get(nearest)!), ...common]] as const
    })
  return new Map(all.filter(([, checks]) => checks.length > 0))
}

const KINDS: OptionKinds = { schemas: 'array', writeBack: 'boolean' }

function assertOptions({ classValidator, ...options }: ValidationOptions): void {
  checkOptions('Validation', options, KINDS)
  for (const one of (options.schemas ?? []) as readonly unknown[]) assertPair(one)
  if (classValidator === undefined || typeof classValidator === 'boolean') {
    if (classValidator !== true && (options.schemas ?? []).length === 0)
      throw invalid('schemas', 'a list of [Entity, schema], where classValidator is not asked for', options.schemas)
    return
  }
  if (typeof classValidator !== 'object' || classValidator === null || Array.isArray(classValidator))
    throw invalid('classValidator', 'true, false, or options of class-validator', classValidator)
  const unknown = Object.keys(classValidator).find((name) => !CLASS_VALIDATOR_OPTIONS.includes(name))
  if (unknown !== undefined)
    throw invalid(
      `classValidator.${unknown}`,
      `one of ${CLASS_VALIDATOR_OPTIONS.join(', ')}`,
      (classValidator as Record<string, unknown>)[unknown],
    )
}

function assertPair(one: unknown): void {
  if (!Array.isArray(one) || one.length !== 2) throw invalid('schemas', 'a list of [Entity, schema]', one)
  if (!isStandardSchema(one[1]))
    throw invalid('schemas', 'a list of [Entity, schema] with schemas of zod, valibot or another Standard Schema', one[1])
}

function invalid(option: string, wanted: string, given: unknown): ConfigurationError {
  return new ConfigurationError('OPTION_INVALID', { place: 'Validation', option, wanted, given: describeValue(given) })
}
