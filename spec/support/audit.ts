/**
 * A data source with an audit trail, and the rows that are in it.
 *
 * @module
 */
import { sessionSubscriber, type EntityClass, type SessionExtensionInput } from 'flushpoint'
import { Audit, auditEntities, type AuditOptions } from 'flushpoint/extensions'
import type { DataSource } from 'typeorm'
import { databaseName, openDataSource, type ExtraOptions, type Recording } from './databases.js'

export interface AuditOpening extends Omit<ExtraOptions, 'entities'> {
  readonly entities?: readonly EntityClass[]
  /** The list of session extensions, with the audit in its place. @defaultValue the audit alone */
  readonly around?: (audit: SessionExtensionInput) => readonly SessionExtensionInput[]
}

/** An initialised data source with its tables, all empty. Close it after the test. */
export function openAudit(options?: AuditOptions, { entities = [], around = (audit) => [audit], ...extra }: AuditOpening = {}) {
  const extensions = around(options === undefined ? Audit : Audit.with(options))
  return openDataSource({
    subscribers: [sessionSubscriber({ extensions })],
    ...extra,
    entities: [...entities, ...auditEntities(databaseName())] as never,
  })
}

/** A row of audit_entry, its texts of JSON read. */
export interface StoredEntry {
  readonly seq: number
  readonly transaction_id: string
  readonly recorded_at: number
  readonly actor: string | null
  readonly request_id: string | null
  readonly operation: string
  readonly entity: string
  readonly key: Record<string, unknown>
  readonly changes: Record<string, { from?: unknown; to?: unknown }>
  readonly relations: Record<string, { added: unknown[]; removed: unknown[] }> | null
}

/** The whole trail, in the order of its sequence. */
export async function trailOf(dataSource: DataSource): Promise<readonly StoredEntry[]> {
  const rows: Record<string, unknown>[] = await dataSource.manager.find('AuditEntry', { order: { seq: 'ASC' } })
  const read = (json: unknown) => (typeof json === 'string' ? (JSON.parse(json) as unknown) : json)
  return rows.map(
    ({ seq, recorded_at, changes, relations, entity_key, ...row }) =>
      ({
        ...row,
        seq: Number(seq),
        recorded_at: Number(recorded_at),
        key: read(entity_key),
        changes: read(changes),
        relations: read(relations),
      }) as StoredEntry,
  )
}

/** `insert Article {"id":1} title,slug`: what, of which row, which properties. */
export async function toldBy(dataSource: DataSource): Promise<readonly string[]> {
  return (await trailOf(dataSource)).map(label)
}

export function label({ operation, entity, key, changes, relations }: StoredEntry): string {
  const names = [...Object.keys(changes), ...Object.keys(relations ?? {})]
  return `${operation} ${entity} ${JSON.stringify(key)} ${names.join()}`.trim()
}

/** The statements of a recording by what they do to the trail and to the rest. */
export function stepsOf(recording: Recording): readonly string[] {
  return recording
    .sql()
    .map((sql) => {
      if (/audit_entry/.test(sql)) return /^INSERT/i.test(sql) ? 'audit' : 'read audit'
      if (/^(START TRANSACTION|BEGIN)/i.test(sql)) return 'BEGIN'
      if (/^(COMMIT|ROLLBACK$)/i.test(sql)) return sql.toUpperCase()
      if (/^(INSERT|UPDATE|DELETE|WITH)/i.test(sql)) return 'write'
      return ''
    })
    .filter((step) => step !== '')
}
