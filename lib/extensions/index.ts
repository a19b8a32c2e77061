/**
 * flushpoint/extensions: session extensions that are ready to be listed.
 *
 * Every public name of this entry, listed once. Nothing in `lib` imports this file.
 *
 * @module
 */
export { DataError } from '../core/errors.js'
export { Audit } from './audit/audit.js'
export { auditEntities, auditMigration, type AuditEntityOptions } from './audit/audit-entities.js'
export { auditOf, type AuditDesk, type HistoryOptions } from './audit/audit-of.js'
export type { AuditMoment } from './audit/as-of.js'
export type { AuditOptions } from './audit/audit-options.js'
export type { AuditedChange, AuditedMembers, AuditedValue } from './audit/audited-change.js'
export type { RevertOptions } from './audit/revert.js'
export {
  AutoId,
  LatestAuthor,
  OriginalAuthor,
  type AutoIdOptions,
  type FieldDecorator,
  type IdGenerator,
} from './auto-fields/auto-field-declarations.js'
export { AutoFields } from './auto-fields/auto-fields.js'
export type { AutoFieldsOf, AutoFieldsOptions } from './auto-fields/auto-fields-options.js'
export { shortId } from './auto-fields/short-id.js'
export { ChangeCache } from './change-cache/change-cache.js'
export type { ChangeCacheOptions } from './change-cache/change-cache-options.js'
export {
  changeCacheSubscription,
  type ChangeCacheSubscription,
  type ChangeCacheSubscriptionOptions,
} from './change-cache/change-cache-subscription.js'
export type { ChangeRecord, CreatedRow, DeletedRow, RecordAuthor, RecordedRow } from './change-cache/change-record.js'
export { dumpCache, type DumpCacheOptions, type DumpedCache } from './change-cache/dump-cache.js'
export { defaultChangeCache, type RecordCache } from './change-cache/record-cache.js'
export { ChangeCapture, type CapturedChanges } from './change-capture/change-capture.js'
export { DataFolder, type DataFolderOptions, type RowName, type WrittenFile } from './data-folder/data-folder.js'
export type { DataOptions, DataProgress, DumpOptions, LoadOptions, ModelReport } from './fixtures/data-options.js'
export { dumpData, type DumpedModel, type DumpReport } from './fixtures/dump-data.js'
export { loadData, type LoadReport } from './fixtures/load-data.js'
export type { DataProblem } from './fixtures/problems.js'
export { validateData, type ValidationReport } from './fixtures/validate-data.js'
export { GenericEvents, type GenericEventsOptions } from './generic-events/generic-events.js'
export { TableEvents, type TableEventsOptions } from './table-events/table-events.js'
export type { ClassValidatorOptions } from './validation/class-validator.js'
export { Validation } from './validation/validation.js'
export { ValidationError, type ValidationFailure } from './validation/validation-error.js'
export type { EntityValidation, ValidationOptions } from './validation/validation-plans.js'
export type { JsonObject, JsonValue } from './row-documents/json-value.js'
export { InvalidDataError } from './fixtures/problems.js'
