/**
 * What validators have in common here, and Standard Schema as one of them.
 *
 * Knows no session. Invariant: a check changes nothing, and what it throws is its own.
 *
 * @see https://standardschema.dev
 * @module
 */
import { isThenable } from '../../core/run-in-order.js'
import type { SchemaIssue, SchemaResult, StandardSchemaV1 } from '../../events/standard-schema.js'
import type { Subject } from './subject.js'

export interface Issue {
  /** Empty for the whole. */
  readonly path: readonly string[]
  readonly message: string
}

export interface Verdict {
  readonly issues: readonly Issue[]
  /** What the validator makes of valid values, if it makes anything. */
  readonly output?: unknown
}

export type Check = (subject: Subject) => Verdict | Promise<Verdict>

export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  const standard: unknown = isObject ? (value as Partial<StandardSchemaV1>)['~standard'] : undefined
  return typeof (standard as { validate?: unknown } | undefined)?.validate === 'function'
}

export function schemaCheck(schema: StandardSchemaV1): Check {
  return ({ document }) => {
    const result = schema['~standard'].validate(document)
    return isThenable(result) ? Promise.resolve(result as PromiseLike<SchemaResult>).then(verdictOf) : verdictOf(result as SchemaResult)
  }
}

function verdictOf(result: SchemaResult): Verdict {
  return result.issues === undefined ? { issues: [], output: result.value } : { issues: result.issues.map(issueOf) }
}

function issueOf({ path = [], message }: SchemaIssue): Issue {
  return { path: path.map((segment) => String(typeof segment === 'object' ? segment.key : segment)), message }
}
