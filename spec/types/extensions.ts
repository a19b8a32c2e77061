/**
 * Types of ready-made extensions and of the hook for schema changes.
 *
 * @module
 */
import { sessionSubscriber, SessionExtension, type SchemaChange } from 'flushpoint'
import { GenericEvents, TableEvents } from 'flushpoint/extensions'

sessionSubscriber({ extensions: [TableEvents, GenericEvents] })
sessionSubscriber({
  extensions: [
    TableEvents.with({ exclude: ['audit'], changes: true, images: false }),
    GenericEvents.with({ exclude: ['auth_*'], bulk: true }),
  ],
})
// @ts-expect-error a list of names
TableEvents.with({ exclude: 'audit' })
// @ts-expect-error no such option
GenericEvents.with({ changes: true })

class SchemaWatch extends SessionExtension {
  override afterSchemaChange(change: SchemaChange): void {
    const before: string | null = change.beforeSchema
    if (change.kind === 'createTable') {
      const after: string = change.afterSchema
      const none: null = change.beforeSchema
    }
    if (change.kind === 'renameTable') {
      const old: string = change.oldTable
    }
    // @ts-expect-error only a rename has one
    const old: string = change.oldTable
  }
}

class SchemaWatchLater extends SessionExtension {
  override async afterSchemaChange({ kind, database, table }: SchemaChange) {
    await Promise.resolve([kind, database, table])
  }
}

class Wrong extends SessionExtension {
  // @ts-expect-error a hook is told the change, not the table's name
  override afterSchemaChange(table: string) {
    return table.length
  }
}
