/**
 * What became of tables, as Datasette's events.
 *
 * Knows the session by its callbacks alone. Invariant: a table that was made in a transaction is told once, with the schema it has when
 * that commits; later alterations of it are part of making it.
 *
 * @module
 */
import { AlterTableEvent, CreateTableEvent, DropTableEvent, RenameTableEvent } from '../../events/built-in-events.js'
import type { EventActor } from '../../events/domain-event.js'
import { track } from '../../events/track.js'
import type { SchemaChange, TableAltered, TableCreated } from '../../mapper/schema-change.js'
import type { Session } from '../../mapper/session.js'

/** The schemas of a table made in the open transaction, the last one being the present. */
type Schemas = string[]

export class SchemaEvents {
  readonly #session: Session
  readonly #created = new Map<string, Schemas>()

  constructor(session: Session) {
    this.#session = session
  }

  tell(change: SchemaChange, actor: EventActor): void {
    const { database, table } = change
    if (change.kind === 'createTable') return this.#create(change, actor)
    if (change.kind === 'alterTable') return this.#alter(change, actor)
    this.#settle(keyOf(database, change.oldTable ?? table))
    if (change.kind === 'dropTable') return this.#track(new DropTableEvent({ database, table, actor }))
    this.#track(new RenameTableEvent({ database, old_table: change.oldTable, new_table: table, actor }))
    this.#track(new AlterTableEvent({ database, table, before_schema: change.beforeSchema, after_schema: change.afterSchema, actor }))
  }

  #create({ database, table, afterSchema }: TableCreated, actor: EventActor): void {
    const key = keyOf(database, table)
    const schemas = [afterSchema]
    this.#created.set(key, schemas)
    const forget = () => {
      if (this.#created.get(key) === schemas) this.#created.delete(key)
    }
    this.#session.onRollback(forget)
    this.#session.onCommit(() => {
      forget()
      track(new CreateTableEvent({ database, table, schema: schemas.at(-1)!, actor }))
    })
  }

  #alter({ database, table, beforeSchema, afterSchema }: TableAltered, actor: EventActor): void {
    const schemas = this.#created.get(keyOf(database, table))
    if (schemas === undefined)
      return this.#track(new AlterTableEvent({ database, table, before_schema: beforeSchema, after_schema: afterSchema, actor }))
    const { length } = schemas
    schemas.push(afterSchema)
    this.#session.onRollback(() => void (schemas.length = Math.min(schemas.length, length)))
  }

  /** What follows is no longer part of making the table. */
  #settle(key: string): void {
    const schemas = this.#created.get(key)
    if (schemas === undefined) return
    this.#created.delete(key)
    this.#session.onRollback(() => void this.#created.set(key, schemas))
  }

  #track(event: Parameters<typeof track>[0]): void {
    track(event, { session: this.#session })
  }
}

function keyOf(database: string, table: string): string {
  return `${database} ${table}`
}
