/**
 * Names of the files of rows, and of the folders they are in.
 *
 * Knows no file system. Invariant: a name is one component of a path, never hidden, at most 255 bytes long; two ids never share a name,
 * and the id can be told from the text, since no id has a "_" in its name.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { DataError } from '../../core/errors.js'

const MAX_TEXT_CHARACTERS = 100
const MAX_NAME_BYTES = 255
const MAX_ID_CHARACTERS = 120
const EXTENSION = '.json'

/** What no file name may have on one system or another: control characters, separators, reserved characters, lone halves of pairs. */
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069<>:"|?*\\/]|\p{Surrogate}/gu
/** All of these would be encoded alike. */
const LONE_HALF = /\p{Surrogate}/u
/** Windows opens devices under these names, whatever comes after a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i

/** The name of a row's file without its text: what all its names begin with. */
export function encodedId(id: string): string {
  if (id === '') return '%'
  const encoded = id
    .replace(/[^A-Za-z0-9.,-]/gu, percent)
    .replace(/^\./, '%2E')
    .replace(DEVICE, (name) => `${percent(name[0]!)}${name.slice(1)}`)
  if (encoded.length <= MAX_ID_CHARACTERS && !LONE_HALF.test(id)) return encoded
  const hash = createHash('sha256').update(Buffer.from(id, 'utf16le')).digest('hex').slice(0, 32)
  return `${encoded.slice(0, MAX_ID_CHARACTERS - hash.length - 1)}~${hash}`
}

function percent(character: string): string {
  return [...Buffer.from(character, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

/** `7_Alien.json`, or `7.json` where nothing is left of the text. */
export function fileNameOf(id: string, text: string): string {
  const begin = encodedId(id)
  const room = MAX_NAME_BYTES - begin.length - EXTENSION.length - 1
  const shown = textInName(text, room)
  return shown === '' ? `${begin}${EXTENSION}` : `${begin}_${shown}${EXTENSION}`
}

/** Which id a file belongs to, as {@link encodedId} has it; undefined for what is no file of a row. */
export function encodedIdOf(fileName: string): string | undefined {
  if (!isRowFile(fileName)) return undefined
  return fileName.slice(0, -EXTENSION.length).split('_', 1)[0]
}

/** Whether a file in a model's folder is one of a row, going by its name. */
export function isRowFile(fileName: string): boolean {
  return fileName.endsWith(EXTENSION) && !fileName.startsWith('.')
}

/**
 * The folder of a model.
 *
 * @throws {DataError} DATA_NAME_REFUSED when the name is a path, or nothing is left of it.
 */
export function folderNameOf(model: string): string {
  const name = textInName(model, MAX_NAME_BYTES)
  if (name === '' || /[\0/\\]/.test(model) || model.startsWith('.')) throw refused('model', model)
  return name
}

export function refused(kind: 'model' | 'path', given: string): DataError {
  return new DataError('DATA_NAME_REFUSED', { kind, given: JSON.stringify(given.slice(0, MAX_TEXT_CHARACTERS)) })
}

function textInName(text: string, maxBytes: number): string {
  const characters = [...trimmed(text.replace(FORBIDDEN, ''))].slice(0, MAX_TEXT_CHARACTERS)
  while (Buffer.byteLength(characters.join('')) > maxBytes) characters.pop()
  return trimmed(characters.join(''))
}

function trimmed(text: string): string {
  return text.replace(/^[\s.]+|[\s.]+$/gu, '')
}
