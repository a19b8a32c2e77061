/**
 * The bytes of a file as a document.
 *
 * Knows no mapping. Invariant: what it answers is an object that can be walked without running out of stack.
 *
 * @module
 */
import { DataError, messageOf } from '../../core/errors.js'
import { repeatedNameIn } from './repeated-name.js'
import type { RowDocument } from '../row-documents/row-document.js'

/** Far more than anybody nests, and far less than the stack holds. */
const MAX_DEPTH = 200

const MAX_SHOWN = 100

/** @throws {DataError} DATA_FILE_INVALID */
export function parseDocument(path: string, bytes: Buffer): RowDocument {
  const invalid = (reason: string, cause?: unknown) => new DataError('DATA_FILE_INVALID', { path, reason }, { cause })
  let json: unknown
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    json = JSON.parse(text)
  } catch (error) {
    throw invalid(error instanceof SyntaxError ? `it is not JSON${placeIn(error)}` : 'it is not text in UTF-8', error)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid('wanted is an object with the values of a row')
  if (isDeeper(json, MAX_DEPTH)) throw invalid(`it is nested more than ${MAX_DEPTH} levels deep`)
  const repeated = repeatedNameIn(text)
  if (repeated !== undefined) throw invalid(`it has the name ${JSON.stringify(repeated.slice(0, MAX_SHOWN))} twice in one object`)
  return json as RowDocument
}

/** Where it ends to be JSON. The rest of the message would show values of the row. */
function placeIn(error: SyntaxError): string {
  const [, position] = /at position (\d+)/.exec(messageOf(error)) ?? []
  return position === undefined ? '' : `, from character ${position} on`
}

function isDeeper(json: object, depth: number): boolean {
  let level: readonly object[] = [json]
  for (let at = 1; level.length > 0; at++) {
    if (at > depth) return true
    level = level.flatMap((one) => Object.values(one).filter((member): member is object => typeof member === 'object' && member !== null))
  }
  return false
}
