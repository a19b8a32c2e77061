/**
 * What validators have in common: the interface of Standard Schema, version 1, as far as events ask for it.
 *
 * Types only, so that no validator is a dependency. Invariant: it stays assignable from `StandardSchemaV1` of `@standard-schema/spec`.
 *
 * @see https://standardschema.dev
 * @module
 */

/** A validator of values `I` that answers with values `O`: a schema of zod, valibot, arktype and others. */
export interface StandardSchemaV1<I = unknown, O = I> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => unknown
    readonly types?: { readonly input: I; readonly output: O } | undefined
  }
}

/** What `validate` answers, or a promise of it. */
export type SchemaResult = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
