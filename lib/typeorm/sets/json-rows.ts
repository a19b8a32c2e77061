/**
 * Rows as one JSON document, for databases that read a table out of JSON: an array of arrays, the mask of a row last.
 *
 * Invariant: a text that JSON or its reader would change is refused.
 *
 * @module
 */
import { carried, Unsendable, type SetBatch } from './set-strategy.js'

/** NUL ends a text in some readers, and half a surrogate pair is no character. */
const FRAGILE = /\\u0000|\\ud[89a-f]/

/** @throws {Unsendable} */
export function jsonRows(batch: SetBatch): string {
  const columns = carried(batch).map(({ values }) => values)
  if (batch.masks !== undefined) columns.push(batch.masks)
  return textOf(Array.from({ length: batch.size }, (_none, row) => columns.map((values) => values[row])))
}

/** @throws {Unsendable} */
export function textOf(document: unknown): string {
  const text = JSON.stringify(document)
  if (FRAGILE.test(text)) throw new Unsendable('a text holds a character that JSON does not carry')
  return text
}
