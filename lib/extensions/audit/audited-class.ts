/**
 * What an audit trail keeps of the rows of one class, and how it writes that as JSON.
 *
 * Knows one class; reads no row from the database. Invariant: a value that is to be left out is in no text, and one that is to be hashed only
 * as its HMAC.
 *
 * @module
 */
import { createHmac } from 'node:crypto'
import type { EntityMetadata } from 'typeorm'
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js'
import { isEqual } from '../../core/is-equal.js'
import type { Change } from '../../mapper/change.js'
import { jsonOf, storedToJson } from '../row-documents/column-json.js'
import { jsonOfKey, partsOf, type DocumentPart } from '../row-documents/row-document.js'

type Values = Readonly<Record<string, unknown>>

/** How one class is audited, by property path. */
export interface AuditedPaths {
  isExcluded(path: string): boolean
  isHashed(path: string): boolean
  readonly hashKey: string | Uint8Array | undefined
}

/** A column or to-one of which values are kept. */
export interface AuditedPart {
  readonly path: string
  readonly part: DocumentPart
  readonly isHashed: boolean
  /** Set by each write; alone it makes no change. */
  readonly isAutomatic: boolean
  /** `"title":` */
  readonly label: string
  /** The value in an image; undefined where that does not tell it. */
  read(image: Values): unknown
  /** Its JSON. @throws What a transformer throws. */
  text(value: unknown): string
}

export class AuditedClass {
  readonly metadata: EntityMetadata
  readonly parts: readonly AuditedPart[]
  /** Paths of values that the trail does not hold, left out or hashed. */
  readonly withheld: readonly string[]
  readonly #byPath = new Map<string, AuditedPart>()
  readonly #paths: AuditedPaths

  constructor(metadata: EntityMetadata, paths: AuditedPaths) {
    this.metadata = metadata
    this.#paths = paths
    const all = partsOf(metadata).filter(({ column, relation }) => column?.isPrimary !== true && relation?.isManyToMany !== true)
    const kept = all.filter((part) => !isHidden(part) && !paths.isExcluded(part.path))
    this.parts = kept.map((part) => auditedPart(metadata, part, paths))
    for (const part of this.parts) for (const path of [part.path, ...ownJoinPaths(part.part)]) this.#byPath.set(path, part)
    this.withheld = all.filter(({ path }) => this.#byPath.get(path)?.isHashed !== false).map(({ path }) => path)
  }

  /** Whether changes of this collection are told. */
  keepsRelation(path: string): boolean {
    return !this.#paths.isExcluded(path)
  }

  /** The part that a property belongs to; undefined where its values are not kept. */
  partAt(path: string): AuditedPart | undefined {
    return this.#byPath.get(path)
  }

  /**
   * The members of a JSON object of what was changed, as one text; empty where nothing that is kept was.
   *
   * @param read What was read of a row that is deleted, where the change does not tell all of it.
   */
  changesText(change: Change, read?: Values): string {
    if (change.kind === 'insert') return this.#imageText(change.after, '{"to":')
    if (change.kind !== 'delete') return this.#differencesText(change)
    return this.#imageText(read === undefined ? change.before : { ...read, ...change.before }, '{"from":')
  }

  /** `changes` would make an object of each value, where the paths are all that is asked for. */
  #differencesText(change: Change): string {
    const { kind, before, after, relations, changedPaths } = change
    let text = ''
    let isOwn = kind !== 'update' || Object.keys(relations).length > 0
    for (const path of changedPaths) {
      const part = this.#byPath.get(path)
      if (part === undefined || !this.#isFirstOf(part, path, changedPaths)) continue
      const difference = differenceText(part, before as Values, after as Values)
      if (difference === '') continue
      text += text === '' ? difference : `,${difference}`
      isOwn ||= !part.isAutomatic
    }
    return isOwn ? text : ''
  }

  /** A relation may be changed by more than one path: its own, and those of its join columns. */
  #isFirstOf(part: AuditedPart, path: string, changed: readonly string[]): boolean {
    return part.part.relation === undefined || changed.find((one) => this.#byPath.get(one) === part) === path
  }

  #imageText(image: Values, opening: string): string {
    let text = ''
    for (const part of this.parts) {
      const value = part.read(image)
      if (value !== undefined) text += `${text === '' ? '' : ','}${part.label}${opening}${part.text(value)}}`
    }
    return text
  }
}

/** Empty where nothing differs. */
function differenceText(part: AuditedPart, before: Values, after: Values): string {
  const from = part.read(before)
  const to = part.read(after)
  if (part.part.column?.transformer !== undefined && isEqual(from, to)) return '' // it may write one value in many forms
  const fromText = from === undefined ? '' : part.text(from)
  const toText = to === undefined ? '' : part.text(to)
  if (fromText === toText) return ''
  if (fromText === '') return `${part.label}{"to":${toText}}`
  return toText === '' ? `${part.label}{"from":${fromText}}` : `${part.label}{"from":${fromText},"to":${toText}}`
}

/** A column that queries do not select is nobody's to read; a relation whose key is in such a column tells what that would. */
function isHidden({ column, relation }: DocumentPart): boolean {
  return (column === undefined ? relation!.joinColumns : [column]).some(({ isSelect }) => !isSelect)
}

/** Join columns that are properties of their own. */
function ownJoinPaths({ relation }: DocumentPart): readonly string[] {
  return (relation?.joinColumns ?? []).filter(({ isVirtual }) => !isVirtual).map(({ propertyPath }) => propertyPath)
}

function auditedPart(metadata: EntityMetadata, part: DocumentPart, paths: AuditedPaths): AuditedPart {
  const { path, column, relation } = part
  const isHashed = paths.isHashed(path)
  const write = column === undefined ? relationText(part) : columnText(column)
  const salt = `${metadata.tablePath}.${path}\n`
  const hashed = (value: unknown) => {
    const text = column !== undefined && isPlain(value) ? JSON.stringify(storedToJson(column, value)) : write(value)
    return text === 'null' ? text : `"hmac:${createHmac('sha256', paths.hashKey!).update(salt + text).digest('hex')}"` // prettier-ignore
  }
  return {
    path,
    part,
    isHashed,
    isAutomatic: column?.isVersion === true || column?.isUpdateDate === true,
    label: `${JSON.stringify(path)}:`,
    read: relation === undefined ? (image) => image[path] : relationReader(part),
    text: isHashed ? hashed : write,
  }
}

/** What is hashed as it is, so that it has one HMAC, in however many forms a transformer stores it. Only that can take other objects apart. */
function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null || value instanceof Date || Buffer.isBuffer(value)
}

/** Images carry the key of a to-one where the relation was loaded, else what its join columns hold. */
function relationReader({ path, relation }: DocumentPart): AuditedPart['read'] {
  const joins = relation!.joinColumns
  const own = joins.filter(({ isVirtual, propertyPath }) => !isVirtual && propertyPath !== path)
  if (own.length < joins.length) return (image) => image[path]
  return (image) => {
    if (image[path] !== undefined) return image[path]
    const values = own.map(({ propertyPath }) => image[propertyPath])
    if (values.some((value) => value === undefined)) return undefined
    if (values.every((value) => value === null)) return null
    return Object.assign({}, ...own.map((join, index) => join.referencedColumn!.createValueMap(values[index]) as object)) as object
  }
}

function relationText({ relation }: DocumentPart): AuditedPart['text'] {
  return (value) => (isNoKey(value) ? 'null' : JSON.stringify(jsonOfKey(relation!, value)))
}

/** TypeORM reads a reference to nothing as an object of nulls. */
function isNoKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === null
  const parts = Object.values(value)
  return parts.length > 0 && parts.every((part) => part === null)
}

/** Most values are written without taking them apart. */
function columnText(column: ColumnMetadata): AuditedPart['text'] {
  const slow = (value: unknown) => JSON.stringify(jsonOf(column, value))
  if (column.transformer !== undefined) return slow
  return (value) => {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value)
      case 'number':
        return Number.isFinite(value) ? String(value) : slow(value)
      case 'boolean':
        return value ? 'true' : 'false'
      default:
        return value === null ? 'null' : slow(value)
    }
  }
}
