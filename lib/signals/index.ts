/**
 * flushpoint/signals: receivers of what happens to models, called inside the operation.
 *
 * Every public name of this entry, listed once. Nothing in `lib` imports this file.
 *
 * @module
 */
export { SignalDefinitionError } from '../core/errors.js'
export { Signal, type Outcome } from '../core/signal.js'
export {
  postBulkDelete,
  postBulkInsert,
  postBulkRecover,
  postBulkSoftRemove,
  postBulkUpdate,
  postDelete,
  postInsert,
  postRecover,
  postRelationAdd,
  postRelationRemove,
  postSave,
  postSoftRemove,
  postUpdate,
  preBulkDelete,
  preBulkInsert,
  preBulkRecover,
  preBulkSoftRemove,
  preBulkUpdate,
  preDelete,
  preInsert,
  preRecover,
  preRelationAdd,
  preRelationRemove,
  preSave,
  preSoftRemove,
  preUpdate,
} from './connectors.js'
export type { Connector } from './connectors.js'
export type { BuiltInName } from './families.js'
export type { ModelSignal } from './model-signal.js'
export { ModelSignals } from './model-signals.js'
export { onChange } from './on-change.js'
export { signalsSettled } from './telling.js'
export {
  anyModel,
  type AnyModel,
  type BulkPayload,
  type Connect,
  type ConnectOptions,
  type Connection,
  type EmbeddedField,
  type Field,
  type FieldChange,
  type FieldFilter,
  type Instance,
  type ModelConnectOptions,
  type Models,
  type Receiver,
  type RelationPayload,
  type SignalPayload,
} from './payloads.js'
export { signalsOf, type AnyPayload, type CustomPayload, type SignalsOf } from './signals-of.js'
