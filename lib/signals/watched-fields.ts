/**
 * Refuses to watch a field whose changes nobody could tell.
 *
 * Asks the DataSources that map a class, now and as they come. Invariant: a field that is told by one mapped class at least is let through.
 *
 * @module
 */
import type { EntityMetadata } from 'typeorm'
import { isClass } from '../core/describe-value.js'
import { SignalDefinitionError } from '../core/errors.js'
import { nearestName } from '../core/nearest-name.js'
import type { EntityClass } from '../mapper/entity-types.js'
import { installedOnes, onInstalled, type Installed } from '../session/installed.js'

interface Watched {
  readonly sender: EntityClass
  readonly field: string
  /** Whether classes below may have it instead. */
  readonly subclasses: boolean
  /** Whether anybody still watches it. */
  isWatched(): boolean
}

/** Those whose class no DataSource has mapped yet. */
const waiting = new Set<Watched>()
let stopWaiting: (() => void) | undefined

/** @throws {SignalDefinitionError} SIGNAL_FIELD_UNKNOWN here where the class is mapped, else in `initialize` of the DataSource that does. */
export function assertField(watched: Watched): void {
  if (installedOnes().some((one) => isChecked(one, watched))) return
  waiting.add(watched)
  stopWaiting ??= onInstalled(checkAll)
}

function checkAll(one: Installed): void {
  for (const watched of waiting) if (!watched.isWatched() || isChecked(one, watched)) waiting.delete(watched)
  if (waiting.size > 0) return
  stopWaiting?.()
  stopWaiting = undefined
}

/** @returns Whether the class is mapped there. */
function isChecked({ dataSource }: Installed, { sender, field, subclasses }: Watched): boolean {
  const isMeant = ({ target }: EntityMetadata) =>
    target === sender || (subclasses && isClass(target) && target.prototype instanceof (sender as abstract new () => object))
  const fields = dataSource.entityMetadatas.filter(isMeant).map(fieldsOf)
  if (fields.length === 0) return false
  const all = [...new Set(fields.flat())]
  if (!all.includes(field))
    throw new SignalDefinitionError('SIGNAL_FIELD_UNKNOWN', { field, model: sender.name, nearest: nearestName(field, all) })
  return true
}

/** Columns, and the to-ones that are columns; a collection is told by relation signals. */
function fieldsOf({ columns, relations }: EntityMetadata): readonly string[] {
  const named = columns.filter((column) => !column.isVirtual || column.relationMetadata === undefined)
  return [
    ...named.map(({ propertyPath }) => propertyPath),
    ...relations.filter(({ isWithJoinColumn }) => isWithJoinColumn).map(({ propertyPath }) => propertyPath),
  ]
}
