/**
 * Types of ready-made extensions and of the hook for schema changes.
 *
 * @module
 */
import { sessionSubscriber, SessionExtension, type SchemaChange } from 'flushpoint'
import {
  AutoFields,
  AutoId,
  GenericEvents,
  LatestAuthor,
  OriginalAuthor,
  TableEvents,
  Validation,
  type AutoFieldsOf,
} from 'flushpoint/extensions'

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

class Sale {
  @AutoId() id: string
  @AutoId() code?: string | null
  @AutoId({ generate: () => 'SALE-1' }) number: `SALE-${number}`
  @AutoId() untyped: unknown
  @OriginalAuthor() createdBy?: string | null
  @OriginalAuthor() createdById: number
  @LatestAuthor() updatedBy: bigint | null
  @LatestAuthor() editor?: Author | null
  @LatestAuthor() reader: Promise<Author | null>
  @LatestAuthor() private reviewer?: string
  @AutoId() protected readonly key?: string

  // @ts-expect-error no text goes into a number
  @AutoId() weight: number
  // @ts-expect-error nor into an object
  @AutoId() author?: Author
  // @ts-expect-error a method is no column
  @AutoId() title(): string {
    return `${this.id} ${this.reviewer ?? ''}`
  }

  // @ts-expect-error nobody is true or false
  @LatestAuthor() isOpen?: boolean
  // @ts-expect-error an author is one
  @LatestAuthor() authors: Author[]
  // @ts-expect-error nor a date
  @OriginalAuthor() createdAt: Date | null
  // @ts-expect-error a method is no column
  @OriginalAuthor() author2(): Author | undefined {
    return this.author
  }
}

class Author {
  id: number
}

declare const ofField: <V>(value: V) => ClassFieldDecoratorContext<Sale, V>
AutoId()(undefined, ofField('SALE' as string))
LatestAuthor()(undefined, ofField<Author | null | undefined>(undefined))
// @ts-expect-error no text goes into a number
AutoId()(undefined, ofField(7))
// @ts-expect-error nobody is true or false
LatestAuthor()(undefined, ofField(true as boolean))

AutoFields.with({ latestAuthor: 'once' })
AutoFields.with({
  fields: [
    { entity: Sale, id: 'code', latestAuthor: 'editor', originalAuthor: false },
    { entity: Sale, id: { property: 'id', generate: () => 'SALE-1' } },
    { entity: Sale, originalAuthor: 'author.id' },
    { entity: 'Sale', id: 'reviewer' },
  ],
})
const declared: AutoFieldsOf[] = [{ entity: Sale, id: 'anything' }]
AutoFields.with({ fields: declared })
// @ts-expect-error no such property
AutoFields.with({ fields: [{ entity: Sale, id: 'idd' }] })
// @ts-expect-error no such property
AutoFields.with({ fields: [{ entity: Sale, id: { property: 'idd' } }] })
// @ts-expect-error a method
AutoFields.with({ fields: [{ entity: Sale, latestAuthor: 'title' }] })
// @ts-expect-error a property of another class
AutoFields.with({ fields: [{ entity: Author, originalAuthor: 'code' }] })
// @ts-expect-error no such option
AutoFields.with({ field: [] })
AutoFields.with({ fields: [...declared, { entity: Sale, id: 'id' }] })

const composed: PropertyDecorator = AutoId()
