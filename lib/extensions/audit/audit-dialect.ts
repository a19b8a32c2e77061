/**
 * Where the databases differ in what an audit trail asks of them.
 *
 * Knows no driver. Invariant: a value is bound, never written into the text.
 *
 * @module
 */

/** One row of the trail; `changes` and `relations` are JSON. */
export interface AuditRow {
  readonly entity: string
  readonly operation: string
  /** Canonical JSON, or its digest. */
  readonly key: string
  readonly changes: string
  readonly relations: string | undefined
}

/** What all rows of one transaction have in common. */
export interface AuditedBy {
  readonly transactionId: string
  readonly actor: string | null
  readonly requestId: string | null
}

/**
 * Rows travel as one JSON document. Where they differ in nothing but keys and changes, each is a pair; else each is a list of entity, operation,
 * key, changes and relations, the last two as texts. Rows come out of the document in their order.
 */
export interface AuditDialect {
  /** How many characters of rows one statement carries. */
  readonly maxTextLength: number
  /** What stands for no relations. */
  readonly noJson: string
  /** What stands for the parameter of this number, counted from 1. */
  placeholder(number: number): string
  /** A parameter that is a text. */
  text(parameter: string): string
  /** What JSON may say, and a document of this database may not, unless it is a text in it: rows in which it is go as lists. */
  readonly fragile?: RegExp
  pairText(row: AuditRow): string
  /** The document of what {@link pairText} makes. */
  pairs(texts: readonly string[]): string
  /** What to select key and changes from, as `v.k` and `v.c`. */
  fromPairs(parameter: string): string
  /** What to select the members of lists from, as `v.e`, `v.o`, `v.k`, `v.c` and `v.r`. */
  fromLists(parameter: string): string
}

/** A row as a list. */
export function listText({ entity, operation, key, changes, relations }: AuditRow): string {
  return JSON.stringify([entity, operation, key, changes, relations ?? null])
}

/** A row as a member of an object. */
export function memberText({ key, changes }: AuditRow): string {
  return `${JSON.stringify(key)}:${changes}`
}
