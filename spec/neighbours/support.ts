/**
 * A small library of books for the specs beside other packages, and a recorder of every hook that fires.
 *
 * @module
 */
import { BaseEntity, Column, Entity, PrimaryGeneratedColumn, Repository, type DataSource } from 'typeorm'
import {
  Extensions,
  MapperExtension,
  SessionExtension,
  type BulkStatement,
  type Change,
  type EntityState,
  type Session,
  type SessionExtensionInput,
  type TransactionScope,
} from 'flushpoint'

export class Slug extends MapperExtension<Book> {
  override beforeInsert(book: Book, _state: EntityState<Book>, session: Session) {
    linesOf(session)?.push(`M.beforeInsert ${book.title}`)
    book.slug = book.title.toLowerCase()
  }

  override afterInsert(book: Book, _state: EntityState<Book>, session: Session) {
    linesOf(session)?.push(`M.afterInsert ${book.title}`)
  }
}

function linesOf(session: Session): string[] | undefined {
  return session.info['lines'] as string[] | undefined
}

@Entity()
@Extensions(Slug)
export class Book extends BaseEntity {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
  @Column({ type: 'varchar', nullable: true }) slug?: string | null

  static of(title: string): Book {
    return Object.assign(new Book(), { title })
  }
}

/** A repository as a class of one's own. */
export class Shelf extends Repository<Book> {
  static on(dataSource: DataSource): Shelf {
    return new Shelf(Book, dataSource.manager)
  }

  put(title: string): Promise<Book> {
    return this.save(Book.of(title))
  }
}

/** A repository as TypeORM extends one. */
export function extendedShelf(dataSource: DataSource) {
  return dataSource.getRepository(Book).extend({
    put(this: Repository<Book>, title: string): Promise<Book> {
      return this.save(Book.of(title))
    },
  })
}

class Recorder extends SessionExtension {
  readonly #lines: string[]

  constructor(session: Session, lines: string[]) {
    super(session)
    this.#lines = lines
    session.info['lines'] = lines
  }

  override afterBegin(scope: TransactionScope) {
    this.#lines.push(`afterBegin ${scope.kind}`)
  }
  override beforeFlush() {
    this.#lines.push(`beforeFlush ${titles([...this.session.uow.new])}`)
  }
  override beforeInsert(entity: object) {
    this.#lines.push(`S.beforeInsert ${titles([entity])}`)
  }
  override afterInsert(entity: object) {
    this.#lines.push(`S.afterInsert ${titles([entity])}`)
  }
  override afterFlush() {
    this.#lines.push('afterFlush')
  }
  override beforeBulk(statement: BulkStatement) {
    this.#lines.push(`beforeBulk ${statement.kind}`)
  }
  override afterBulk(statement: BulkStatement) {
    this.#lines.push(`afterBulk ${statement.kind} ${statement.affected}`)
  }
  override beforeCommit() {
    this.#lines.push('beforeCommit')
  }
  override afterCommit(changes: readonly Change[]) {
    this.#lines.push(`afterCommit ${summary(changes)}`)
  }
  override afterRollback(changes: readonly Change[], scope: TransactionScope) {
    this.#lines.push(`afterRollback ${scope.kind} ${summary(changes)}`)
  }
}

function titles(entities: readonly object[]): string {
  return entities.map((entity) => (entity as Partial<Book>).title).join(',')
}

function summary(changes: readonly Change[]): string {
  return changes.map(({ kind, after, before }) => `${kind}:${String((after ?? before)?.title)}`).join(',') || 'nothing'
}

/** Every hook that fires, in order. */
export interface HookLog {
  readonly lines: string[]
  readonly extension: SessionExtensionInput
  /** The lines of hooks about transactions alone. */
  outcomes(): string[]
}

export function recordHooks(): HookLog {
  const lines: string[] = []
  return {
    lines,
    extension: (session) => new Recorder(session, lines),
    outcomes: () => lines.filter((line) => /^after(Begin|Commit|Rollback)/.test(line)),
  }
}

/** What one new book in a transaction of its own leaves in the log. */
export function oneBook(title: string): string[] {
  return [
    'afterBegin transaction',
    `beforeFlush ${title}`,
    `S.beforeInsert ${title}`,
    `M.beforeInsert ${title}`,
    `M.afterInsert ${title}`,
    `S.afterInsert ${title}`,
    'afterFlush',
    'beforeCommit',
    `afterCommit insert:${title}`,
  ]
}

/** The titles in the database, in the order they were written. */
export async function titlesIn(dataSource: DataSource): Promise<string[]> {
  const books = await dataSource.manager.find(Book, { order: { id: 'ASC' } })
  return books.map(({ title }) => title)
}
