/**
 * What a row is called, for names of files.
 *
 * Works on what is stored, so that nothing encrypted is shown. Invariant: whatever is in a document, it throws nothing.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import { storedFromJson } from '../row-documents/column-json.js'
import type { JsonValue } from '../row-documents/json-value.js'
import { jsonAt, partsOf, putAt, type RowDocument } from '../row-documents/row-document.js'

const TITLES = ['name', 'title', 'label', 'subject', 'slug', 'code'] as const

/**
 * What the class's own `toString` answers for an instance that has the stored values; else the first of `name`, `title`, `label`,
 * `subject`, `slug` and `code` that has one; else nothing. The document may have been written by hand, with anything in it.
 */
export function titleOf(metadata: EntityMetadata, document: RowDocument): string {
  const values = storedValues(metadata, document)
  return ownText(metadata, values) ?? firstTitle(values)
}

function storedValues(metadata: EntityMetadata, document: RowDocument): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {}
  for (const { path, column } of partsOf(metadata)) {
    const json = jsonAt(document, path)
    if (json === undefined) continue
    try {
      putAt(values, path, column === undefined ? json : storedOf(() => storedFromJson(column, json), json))
    } catch {
      // an embedded object that is none: whoever reads the document refuses it
    }
  }
  return values
}

/** A value that is none of its column's is shown as it is; whoever reads the document refuses it. */
function storedOf(read: () => unknown, json: JsonValue): unknown {
  try {
    return read()
  } catch {
    return json
  }
}

function ownText({ target }: EntityMetadata, values: object): string | undefined {
  if (typeof target !== 'function') return undefined
  const prototype = target.prototype as object
  if (prototype.toString === Object.prototype.toString) return undefined
  try {
    return String((Object.assign(Object.create(prototype) as object, values) as { toString(): unknown }).toString())
  } catch {
    return undefined // it needs what a row alone has not
  }
}

function firstTitle(values: Readonly<Record<string, unknown>>): string {
  for (const name of TITLES) {
    const value = values[name]
    if ((typeof value === 'string' && value.trim() !== '') || typeof value === 'number') return String(value)
  }
  return ''
}
