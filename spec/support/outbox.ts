/**
 * A data source with an outbox, and the messages that are in it.
 *
 * @module
 */
import { sessionSubscriber, type EntityClass, type InstallOptions, type SessionExtensionInput } from 'flushpoint'
import { Outbox, outboxEntities, type OutboxOptions } from 'flushpoint/outbox'
import type { DataSource } from 'typeorm'
import {
  closeDataSources,
  databaseName,
  openDataSource,
  openOnUsedTables,
  type ExtraOptions,
  type Recording,
  type Statement,
} from './databases.js'
import { delivered } from './events.js'

export interface OutboxOpening extends Omit<ExtraOptions, 'entities'> {
  readonly entities?: readonly EntityClass[]
  /** The list of session extensions, with the outbox in its place. @defaultValue the outbox alone */
  readonly around?: (outbox: SessionExtensionInput) => readonly SessionExtensionInput[]
  /** For specs that change the schema. */
  readonly hasOwnDatabase?: boolean
  /** The schema or database of the tables of the outbox. @defaultValue that of the others */
  readonly outboxSchema?: string
  /** Options of flushpoint besides. */
  readonly install?: Omit<InstallOptions, 'extensions'>
}

/** An initialised data source with its tables, all empty. No relay unless `worker` asks for one; closed after the test. */
export function openOutbox(
  options: OutboxOptions = {},
  { entities = [], around = (outbox) => [outbox], install = {}, hasOwnDatabase = false, outboxSchema, ...extra }: OutboxOpening = {},
): Promise<DataSource> {
  const extensions = around(Outbox.with({ worker: 'none', ...options }))
  const complete = {
    subscribers: [sessionSubscriber({ ...install, extensions })],
    ...extra,
    entities: [...entities, ...outboxEntities(databaseName(), outboxSchema === undefined ? {} : { schema: outboxSchema })] as never,
  }
  return hasOwnDatabase ? openDataSource(complete) : openOnUsedTables(complete)
}

/** A row of outbox_message, its texts of JSON read. */
export interface StoredMessage {
  readonly seq: number
  readonly id: string
  readonly kind: 'tracked' | 'triggered'
  readonly type: string
  readonly source: string
  readonly subject: string | null
  readonly aggregate_type: string | null
  readonly aggregate_id: string | null
  readonly partition_key: string | null
  readonly slot: number
  readonly state: number
  readonly payload: unknown
  readonly headers: Readonly<Record<string, string>>
  readonly occurred_at: number
  readonly done_at: number | null
}

/** What is stored, in the order of its sequence. Inside a transaction of a single connection also what that has stored. */
export async function messagesOf(dataSource: DataSource): Promise<readonly StoredMessage[]> {
  const rows = await dataSource.manager.find('OutboxMessage', { order: { seq: 'ASC' } })
  return (rows as Record<keyof StoredMessage, unknown>[]).map(
    ({ seq, payload, headers, occurred_at, ...row }) =>
      ({
        ...row,
        seq: Number(seq),
        payload: JSON.parse(String(payload)) as unknown,
        headers: JSON.parse(String(headers)) as unknown,
        occurred_at: Number(occurred_at),
      }) as StoredMessage,
  )
}

/** Types and, of events that have one, the text: `test.noted a`. */
export async function toldTo(dataSource: DataSource): Promise<readonly string[]> {
  const stored = await messagesOf(dataSource)
  return stored.map(({ type, payload }) => [type, (payload as { text?: string } | null)?.text].filter(Boolean).join(' '))
}

/** Lets every message fail from now on. Needs a database of its own. */
export async function dropMessages(dataSource: DataSource): Promise<void> {
  await dataSource.query('DROP TABLE outbox_message')
}

/** `BEGIN`, `write`, `store`, `COMMIT`, savepoints: what was sent, without what only reads. */
export function stepsOf({ statements }: Recording): string[] {
  return statements.flatMap((statement) => {
    if (isStoring(statement)) return ['store']
    const [, begin, control, write] =
      /^(?:(BEGIN|START)|(COMMIT|ROLLBACK|SAVEPOINT|RELEASE)|(INSERT|UPDATE|DELETE))/.exec(statement.sql) ?? []
    return [begin && 'BEGIN', control, write && 'write'].filter((step) => step !== undefined)
  })
}

/** Whether a statement stores messages. */
export function isStoring({ sql }: Statement): boolean {
  return /^INSERT\b.*outbox_message/s.test(sql)
}

afterEach(async () => {
  await delivered() // what is told outside of transactions is stored meanwhile
  await closeDataSources()
})
