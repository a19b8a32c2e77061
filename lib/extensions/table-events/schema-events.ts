/**
 * What became of tables, as Datasette's events.
 *
 * Knows the session by its callbacks alone. Invariant: a table that was made or altered in a transaction is told once for each name it
 * had, with the schema it has when that commits; later alterations are part of it.
 *
 * @module
 */
import { AlterTableEvent, CreateTableEvent, DropTableEvent, RenameTableEvent } from '../../events/built-in-events.js'
import type { EventActor } from '../../events/domain-event.js'
import { track } from '../../events/track.js'
import type { SchemaChange } from '../../mapper/schema-change.js'
import type { Session } from '../../mapper/session.js'

/** A table that the open transaction has made or altered. */
interface Pending {
  /** The schemas it has had since, the last one being the present. */
  readonly schemas: string[]
  /** True once it has been told, or taken back. */
  isOver: boolean
}

interface Begun {
  readonly database: string
  readonly table: string
  readonly beforeSchema: string | null
  readonly afterSchema: string
}

export class SchemaEvents {
  readonly #session: Session
  readonly #pending = new Map<string, Pending>()

  constructor(session: Session) {
    this.#session = session
  }

  tell(change: SchemaChange, actor: EventActor): void {
    const { database, table } = change
    if (change.kind === 'createTable') return this.#begin(change, actor)
    if (change.kind === 'alterTable') return this.#alter(change, actor)
    this.#settle(keyOf(database, change.oldTable ?? table))
    if (change.kind === 'dropTable') return this.#track(new DropTableEvent({ database, table, actor }))
    this.#track(new RenameTableEvent({ database, old_table: change.oldTable, new_table: table, actor }))
    this.#begin(change, actor)
  }

  #begin({ database, table, beforeSchema, afterSchema }: Begun, actor: EventActor): void {
    const key = keyOf(database, table)
    const pending: Pending = { schemas: [afterSchema], isOver: false }
    this.#pending.set(key, pending)
    const forget = () => {
      pending.isOver = true
      if (this.#pending.get(key) === pending) this.#pending.delete(key)
    }
    this.#session.onRollback(forget)
    this.#session.onCommit(() => {
      forget()
      const schema = pending.schemas.at(-1)!
      if (beforeSchema === null) return track(new CreateTableEvent({ database, table, schema, actor }))
      if (beforeSchema !== schema) track(new AlterTableEvent({ database, table, before_schema: beforeSchema, after_schema: schema, actor }))
    })
  }

  #alter(change: Begun, actor: EventActor): void {
    const schemas = this.#pending.get(keyOf(change.database, change.table))?.schemas
    if (schemas === undefined) return this.#begin(change, actor)
    const { length } = schemas
    schemas.push(change.afterSchema)
    this.#session.onRollback(() => void (schemas.length = Math.min(schemas.length, length)))
  }

  /** What follows is no longer part of making or altering the table. */
  #settle(key: string): void {
    const pending = this.#pending.get(key)
    if (pending === undefined) return
    this.#pending.delete(key)
    this.#session.onRollback(() => {
      if (!pending.isOver) this.#pending.set(key, pending)
    })
  }

  #track(event: Parameters<typeof track>[0]): void {
    track(event, { session: this.#session })
  }
}

function keyOf(database: string, table: string): string {
  return `${database} ${table}`
}
