/**
 * Hooks of both levels and the changes they are told: what narrows, and which overrides must not compile.
 *
 * Checked by the compiler, never run.
 *
 * @module
 */
import {
  MapperExtension,
  SessionExtension,
  type BulkStatement,
  type Change,
  type EntityState,
  type Session,
  type TransactionScope,
} from 'flushpoint'
import { Article, Comment, type Tag } from './models.js'

export class ChangeLog extends SessionExtension {
  added: object[] = []

  override beforeFlush(entity?: object) {
    if (entity === undefined) this.added = [...this.session.uow.new]
  }

  override async afterCommit(changes: readonly Change[]) {
    for (const change of changes) {
      if (change.is(Article)) {
        const title: string = change.entity.title
        const table: string = change.table
        if (change.kind === 'insert') {
          const before: null = change.before
          const after: string | undefined = change.after.title
          void [before, after]
        }
        if (change.kind === 'delete') {
          const before: string | undefined = change.before.title
          const after: null = change.after
          void [before, after]
        }
        if (change.kind === 'update') {
          const after: string | undefined = change.after.title
          const from: Date | undefined = change.changes.published?.from
          const tags: readonly Tag[] | undefined = change.relations.tags?.added
          const isTitle: boolean = change.changed('title')
          // @ts-expect-error no such column
          void change.after.titel
          // @ts-expect-error title is no to-many relation
          void change.relations.title
          // @ts-expect-error no such column
          change.changed('titel')
          // @ts-expect-error a change cannot be changed
          change.after.title = 'x'
          void [after, from, tags, isTitle]
        }
        void [title, table]
      } else if (change.is(Comment)) {
        void change.entity.text
      }
    }
    void this.session.info.typeTest?.created
    await Promise.resolve()
  }

  override afterRollback(changes: readonly Change[], scope: TransactionScope) {
    const kind: 'transaction' | 'savepoint' | 'write' = scope.kind
    // @ts-expect-error the journal cannot be written
    changes.push(changes[0])
    void kind
  }

  override beforeBulk(statement: BulkStatement) {
    statement.wantImages('both')
    // @ts-expect-error no such images
    statement.wantImages('after')
    if (statement.is(Article)) {
      const target: string | (abstract new (...args: never[]) => Article) = statement.target
      const after: string | null | undefined = statement.changes?.[0]?.after?.title
      void [target, after]
    }
  }
}

export class WrongSessionHooks extends SessionExtension {
  // @ts-expect-error a name that is no hook
  override beforeInsrt() {}
  // @ts-expect-error a hook returns nothing
  override afterFlush() {
    return 1
  }
}

export class WrongMapperHooks extends MapperExtension<Article> {
  // @ts-expect-error another entity
  override beforeInsert(entity: Comment) {
    void entity
  }
  // @ts-expect-error the session is the third argument
  override beforeUpdate(entity: Article, session: Session) {
    void [entity, session]
  }
  // @ts-expect-error flushes belong to the session
  override beforeFlush() {}
}

/** A hook may be a field as well, sync or async. */
export class FieldHook extends MapperExtension<Article> {
  override beforeInsert = async (entity: Article) => {
    await Promise.resolve()
    entity.slug = 'x'
  }
}

/** A hook may return any thenable. */
export class ThenableHook extends SessionExtension {
  override beforeCommit(): PromiseLike<void> {
    return Promise.resolve()
  }
}

/** Extensions made by a function keep the entity they fit. */
export function slugger<E extends { title: string }>(from: keyof E) {
  return class extends MapperExtension<E> {
    override beforeInsert(entity: E) {
      void entity[from]
    }
  }
}

/** Code that knows no entity reads changes by name. */
export function untyped(change: Change, state: EntityState): unknown[] {
  const columns: [string, { readonly from: unknown; readonly to: unknown } | undefined][] = Object.entries(change.changes)
  const added: readonly unknown[] | undefined = change.relations['tags']?.added
  return [columns, added, change.changed('anything'), state.changes['anything']?.to, change.after?.['anything']]
}

// @ts-expect-error uow cannot be replaced
const replaced = (session: Session) => (session.uow = null as never)
// @ts-expect-error uow cannot be written
const written = (session: Session) => session.uow.new.add({})
void [replaced, written]

/** A change can be asked for one class after another. */
export function tellApart(change: Change): string {
  let told = ''
  if (change.is(Article)) told += change.entity.title
  if (change.is(Comment)) told += change.entity.text
  return told + change.table
}
