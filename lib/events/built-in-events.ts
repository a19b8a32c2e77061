/**
 * The events that every program has, with the names and properties they have in Datasette.
 *
 * Says what they tell, not when they happen. Invariant: property names are public and stay as they are, snake case included.
 *
 * @see https://docs.datasette.io/en/latest/events.html
 * @module
 */
import { definitions } from './catalogue.js'
import { DomainEvent, type EventClass, type EventOptions } from './domain-event.js'
import { assertFields, takePayload } from './payload.js'

type Values = Readonly<Record<string, unknown>>
type NewArguments<P> = Record<never, never> extends P ? [properties?: P & EventOptions] : [properties: P & EventOptions]

interface BuiltInType<N extends string, P> {
  readonly eventName: N
  readonly fields: readonly string[]
  /** Takes its properties and, where it is not that of the context, the actor. */
  new (...args: NewArguments<P>): DomainEvent & { readonly name: N } & Readonly<P>
}

/** A class with these properties; each must be given, `optional` ones may. */
function builtIn<P extends object>() {
  return <N extends string>(
    name: N,
    fields: readonly (keyof P & string)[],
    optional: readonly (keyof P & string)[] = [],
  ): BuiltInType<N, P> => {
    class BuiltInEvent extends DomainEvent {
      static override readonly eventName: string = name
      static override readonly fields = Object.freeze([...fields])

      constructor({ actor, ...properties }: EventOptions & Values = {}) {
        super({ actor } as EventOptions)
        assertFields(name, properties, { required: fields, optional })
        takePayload(this, properties)
      }
    }
    return BuiltInEvent as unknown as BuiltInType<N, P>
  }
}

// ---- who comes and goes

/** Somebody has logged in: the actor. */
export class LoginEvent extends builtIn<object>()('login', []) {}

/** Somebody has logged out: the actor. */
export class LogoutEvent extends builtIn<object>()('logout', []) {}

export interface TokenProperties {
  /** Seconds the token is good for; null for one without an end. */
  readonly expires_after: number | null
  readonly restrict_all: readonly string[]
  readonly restrict_database: Readonly<Record<string, readonly string[]>>
  readonly restrict_resource: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}

/** A token has been made for the actor. */
export class CreateTokenEvent extends builtIn<TokenProperties>()('create-token', [
  'expires_after',
  'restrict_all',
  'restrict_database',
  'restrict_resource',
]) {}

// ---- tables

export interface TableProperties {
  readonly database: string
  readonly table: string
}

/** A table has been made; `schema` is what makes it. */
export class CreateTableEvent extends builtIn<TableProperties & { readonly schema: string }>()('create-table', [
  'database',
  'table',
  'schema',
]) {}

export class DropTableEvent extends builtIn<TableProperties>()('drop-table', ['database', 'table']) {}

/** The schema of a table has become another; where it was renamed as well, `table` is the new name. */
export class AlterTableEvent extends builtIn<TableProperties & { readonly before_schema: string; readonly after_schema: string }>()(
  'alter-table',
  ['database', 'table', 'before_schema', 'after_schema'],
) {}

export interface RenameProperties {
  readonly database: string
  readonly old_table: string
  readonly new_table: string
}

export class RenameTableEvent extends builtIn<RenameProperties>()('rename-table', ['database', 'old_table', 'new_table']) {}

// ---- rows

/** One row, old and new, as plain values by property path. */
export interface RowImages {
  readonly key: Values
  /** Null for a new row. */
  readonly before: Values | null
  /** Null for a row that is gone. */
  readonly after: Values | null
  /** For each to-many relation that changed, the keys of the members that came and went; left out where none did. */
  readonly relations?: Readonly<Record<string, { readonly added: readonly Values[]; readonly removed: readonly Values[] }>>
}

export interface RowsProperties extends TableProperties {
  readonly num_rows: number
  /** Where old and new values were asked for. */
  readonly changes?: readonly RowImages[]
}

/** Rows have been inserted; `num_rows` counts those that were asked for. */
export class InsertRowsEvent extends builtIn<RowsProperties & { readonly ignore: boolean; readonly replace: boolean }>()(
  'insert-rows',
  ['database', 'table', 'num_rows', 'ignore', 'replace'],
  ['changes'],
) {}

export class UpsertRowsEvent extends builtIn<RowsProperties>()('upsert-rows', ['database', 'table', 'num_rows'], ['changes']) {}

export interface RowProperties extends TableProperties {
  /** The values of the key, each as a text, in the order of its columns. */
  readonly pks: readonly string[]
  /** Where old and new values were asked for. */
  readonly changes?: readonly RowImages[]
}

export class UpdateRowEvent extends builtIn<RowProperties>()('update-row', ['database', 'table', 'pks'], ['changes']) {}

export class DeleteRowEvent extends builtIn<RowProperties>()('delete-row', ['database', 'table', 'pks'], ['changes']) {}

const BUILT_IN: readonly EventClass[] = [
  LoginEvent,
  LogoutEvent,
  CreateTokenEvent,
  CreateTableEvent,
  DropTableEvent,
  AlterTableEvent,
  RenameTableEvent,
  InsertRowsEvent,
  UpsertRowsEvent,
  UpdateRowEvent,
  DeleteRowEvent,
]
for (const type of BUILT_IN) definitions.register(type, true)
