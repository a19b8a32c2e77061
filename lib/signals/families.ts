/**
 * The signals every model has, by name.
 *
 * Invariant: a name and its other name are one signal. Shared by all copies of the module in a process.
 *
 * @module
 */
import { SignalFamily } from './model-signal.js'
import type { BulkPayload, RelationPayload, SignalPayload } from './payloads.js'

/** ormar's names, in which `save` means insert. */
export const ENTITY_SIGNALS = [
  'preSave',
  'postSave',
  'preUpdate',
  'postUpdate',
  'preDelete',
  'postDelete',
  'preSoftRemove',
  'postSoftRemove',
  'preRecover',
  'postRecover',
] as const
export const RELATION_SIGNALS = ['preRelationAdd', 'postRelationAdd', 'preRelationRemove', 'postRelationRemove'] as const
export const BULK_SIGNALS = [
  'preBulkInsert',
  'postBulkInsert',
  'preBulkUpdate',
  'postBulkUpdate',
  'preBulkDelete',
  'postBulkDelete',
  'preBulkSoftRemove',
  'postBulkSoftRemove',
  'preBulkRecover',
  'postBulkRecover',
] as const

export type EntitySignalName = (typeof ENTITY_SIGNALS)[number]
export type RelationSignalName = (typeof RELATION_SIGNALS)[number]
export type BulkSignalName = (typeof BULK_SIGNALS)[number]
/** What *save* means here, said without a doubt. */
export const OTHER_NAMES = { preInsert: 'preSave', postInsert: 'postSave' } as const
export type OtherName = keyof typeof OTHER_NAMES
export type BuiltInName = EntitySignalName | RelationSignalName | BulkSignalName

export type PayloadOf<N extends BuiltInName, E extends object> = N extends EntitySignalName
  ? SignalPayload<E>
  : N extends RelationSignalName
    ? RelationPayload<E>
    : BulkPayload<E>

const families = new Map<string, SignalFamily>(
  [...ENTITY_SIGNALS, ...RELATION_SIGNALS, ...BULK_SIGNALS].map((name) => [name, new SignalFamily(name)]),
)

export const BUILT_IN_NAMES: readonly string[] = [...families.keys(), ...Object.keys(OTHER_NAMES)]

/** @returns Undefined for a name that no model has by itself. */
export function builtInFamily(name: string): SignalFamily | undefined {
  return families.get((OTHER_NAMES as Readonly<Record<string, string>>)[name] ?? name)
}

export function familyOf<N extends BuiltInName>(name: N): SignalFamily<PayloadOf<N, object>> {
  return families.get(name) as unknown as SignalFamily<PayloadOf<N, object>>
}
