/**
 * class-validator, where a project has it.
 *
 * The package is loaded when it is asked for, and known by its shape. Invariant: what is validated is never changed.
 *
 * @module
 */
import { ConfigurationError, messageOf } from '../../core/errors.js'
import type { Check, Issue } from './check.js'

/** The options of class-validator that make sense for entities; see there. Those that take properties away are not among them. */
export interface ClassValidatorOptions {
  readonly groups?: string[]
  readonly always?: boolean
  readonly strictGroups?: boolean
  readonly skipMissingProperties?: boolean
  readonly skipNullProperties?: boolean
  readonly skipUndefinedProperties?: boolean
  readonly stopAtFirstError?: boolean
  readonly dismissDefaultMessages?: boolean
  /** @defaultValue `false`, so that classes without its decorators are valid */
  readonly forbidUnknownValues?: boolean
}

export const CLASS_VALIDATOR_OPTIONS: readonly string[] = [
  'groups',
  'always',
  'strictGroups',
  'skipMissingProperties',
  'skipNullProperties',
  'skipUndefinedProperties',
  'stopAtFirstError',
  'dismissDefaultMessages',
  'forbidUnknownValues',
] satisfies (keyof ClassValidatorOptions)[]

/** One of its failures. */
interface Refusal {
  readonly property: string
  readonly constraints?: Readonly<Record<string, string>>
  readonly children?: readonly Refusal[]
}

interface Package {
  validate(instance: object, options: ClassValidatorOptions): Promise<readonly Refusal[]>
}

const PACKAGE = 'class-validator'

/** @throws {ConfigurationError} CLASS_VALIDATOR_MISSING */
export function classValidatorCheck(options: ClassValidatorOptions): Check {
  const { validate } = load()
  const asked = { forbidUnknownValues: false, ...options }
  return (subject) => {
    const instance = subject.instance()
    return instance === undefined ? { issues: [] } : validate(instance, asked).then((refusals) => ({ issues: issuesOf(refusals, []) }))
  }
}

function load(): Package {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- optional: nothing but this option asks for it
    return require(PACKAGE) as Package
  } catch (error) {
    throw new ConfigurationError('CLASS_VALIDATOR_MISSING', { cause: messageOf(error).split('\n', 1)[0]! }, { cause: error })
  }
}

function issuesOf(refusals: readonly Refusal[], around: readonly string[]): readonly Issue[] {
  return refusals.flatMap(({ property, constraints = {}, children = [] }) => {
    const path = [...around, property]
    return [...Object.values(constraints).map((message) => ({ path, message })), ...issuesOf(children, path)]
  })
}
