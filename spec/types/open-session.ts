/**
 * Opening sessions and what is done in them, as a program writes it, and the calls that must not compile.
 *
 * Checked by the compiler, never run.
 *
 * @module
 */
import type { DataSource } from 'typeorm'
import {
  closeAll,
  currentSession,
  flushAll,
  openSession,
  SessionExtension,
  stateOf,
  tryCurrentSession,
  withScope,
  withSession,
  type Cursor,
  type FlushPlan,
  type FlushResult,
  type OpenSession,
  type PlanStep,
  type Session,
  type SessionOptions,
} from 'flushpoint'
import { Article, Author, Comment, NewsArticle, Slug, Tag } from './models.js'

declare const dataSource: DataSource

class Audit extends SessionExtension {
  constructor(
    session: Session,
    readonly options: { table: string },
  ) {
    super(session)
  }
}

class ChangeLog extends SessionExtension {
  // @ts-expect-error a cursor hook that is spelled wrong
  override beforeCursorNex() {}
  override cursorCreated(cursor: Cursor): void {
    void cursor
  }
}

class Waiting extends SessionExtension {
  override async beforeCursorNext(cursor: Cursor) {
    await cursor.count()
  }
}

// ---- withSession
export async function blocks(): Promise<void> {
  const title: string = await withSession(dataSource, async (session) => {
    const article = await session.getOrFail(Article, 7)
    article.title = 'Second edition'
    session.add(new Comment(article, 'first!'))
    session.add(article, new Tag())
    // @ts-expect-error a class is not an entity
    session.delete(Article)
    // @ts-expect-error an array is not an entity: session.add(...list)
    session.add([article])
    // @ts-expect-error the block commits, not what is in it
    await session.commit()
    // @ts-expect-error the block closes its session
    await session.close()
    const maybe: Article | null = await session.get(Article, { id: 7 })
    // @ts-expect-error no such part of the key
    await session.get(Article, { idd: 7 })
    void stateOf(article).changes.title?.from
    const list: Article[] = await session.find(Article, { title: 'x' })
    const related = await session.find(Article, { slug: 'a' }).with('author', 'tags').order({ title: 'ASC' }).limit(3)
    const name: string | undefined = related[0]?.author?.name
    const tags: Tag[] | undefined = related[0]?.tags
    const count: number = related[0]!.tags.length
    const deep = await session.find(Article).with('author.company', 'comments').one()
    void [deep.author?.company?.name, deep.comments.length]
    // @ts-expect-error a column is no relation
    session.find(Article).with('title')
    // @ts-expect-error not loaded
    void (await session.find(Article).one()).tags.length
    // @ts-expect-error TypeORM's find options are not the second argument
    session.find(Article, { where: { title: 'x' } })
    for await (const one of session.find(Article)) void one.title
    const plan: FlushPlan = await session.explain()
    const because: 'changed' | 'cascade' | 'hook' | 'orphan' | undefined = plan.steps[0]?.rows[0]?.because
    const result: FlushResult = await session.flush()
    const total: number = result.inserted + result.durationMs
    session.onCommit((changes) => {
      for (const change of changes) if (change.is(NewsArticle)) void change.entity.agency
    })
    void [maybe, list, name, tags, count, because, total]
    return article.title
  })
  const nothing: undefined = await withSession(dataSource, { autoflush: true }, async (session) => {
    await session.flush()
    return undefined
  })
  // @ts-expect-error the function comes last
  await withSession(dataSource, async () => Promise.resolve(), { autoflush: true })
  // @ts-expect-error a block is awaited, so its function is asynchronous
  await withSession(dataSource, () => 7)
  // @ts-expect-error a block without a function
  await withSession(dataSource, { autoflush: true })
  // @ts-expect-error a manager is no DataSource
  await withSession(dataSource.manager, async () => Promise.resolve())
  void [title, nothing]
}

// ---- openSession
export async function sessions(abortSignal: AbortSignal): Promise<void> {
  await using session = openSession(dataSource, { autoflush: true })
  const inner: string = await session.transaction(async (nested) => {
    void nested.commit // of the owner's own session
    const article = await nested.find(Article).with('author').first()
    return article?.author?.name ?? ''
  })
  await session.begin()
  await session.commit()
  const shared: Session = session
  // @ts-expect-error who is handed a session may not end it
  await shared.rollback()
  // @ts-expect-error it takes an await to dispose of it
  using wrong = openSession(dataSource)
  const retried: number = await session.withRetry(async (own) => (await own.flush()).inserted, { attempts: 5, delayMs: 10 })
  const replaced: boolean = await session.withExtensions([ChangeLog, Audit.with({ table: 'audit' })], () => Promise.resolve(true))
  const silent: number = session.noAutoflush(() => 7)
  const later: Promise<Article[]> = session.noAutoflush(async () => session.find(Article))
  session.registerExtension(Waiting)
  session.expire(new Tag())
  // @ts-expect-error times, not attempts
  await session.withRetry(() => Promise.resolve(), { times: 3 })
  // @ts-expect-error options are required
  session.registerExtension(Audit)
  // @ts-expect-error a mapper extension is listed on a class
  await session.withExtensions([Slug], () => Promise.resolve())
  void [inner, retried, replaced, silent, later, wrong, abortSignal]
}

const every: SessionOptions = {
  extensions: [ChangeLog, Audit.with({ table: 'audit' }), (session) => new Audit(session, { table: 'x' })],
  autoflush: true,
  expireOnCommit: true,
  context: { requestId: '1', actor: 'ann' },
  isolationLevel: 'SERIALIZABLE',
  abortSignal: AbortSignal.timeout(1000),
  savepoints: true,
}
const opened: OpenSession = openSession(dataSource, every)
// @ts-expect-error no such option
openSession(dataSource, { autoFlush: true })
// @ts-expect-error no such isolation level
openSession(dataSource, { isolationLevel: 'SNAPSHOTS' })
// @ts-expect-error required options are missing
openSession(dataSource, { extensions: [Audit] })
// @ts-expect-error an instance is no class
openSession(dataSource, { extensions: [new Audit(opened, { table: 'x' })] })
// @ts-expect-error the option is called abortSignal
openSession(dataSource, { signal: AbortSignal.timeout(1) })
// @ts-expect-error a session is made by openSession, not by new
new OpenSession(dataSource)

// ---- where it is found, and the scope of a request
currentSession().add(new Tag())
tryCurrentSession()?.add(new Tag())
// @ts-expect-error there may be none
tryCurrentSession().add(new Tag())
// @ts-expect-error only its owner may close it
void currentSession().close()
const scoped: Promise<string> = withScope(() => Promise.resolve('x'), { flushOn: (error) => error instanceof Error })
// @ts-expect-error a request is awaited
void withScope(() => 'x')
const all: Promise<void> = flushAll().then(closeAll)

// ---- cursors and plans
export const titles = async (session: Session) =>
  (await session.find(Article).order({ author: { name: 'DESC' } })).map(({ title }) => title)
export const steps = ({ steps: [first] }: FlushPlan): PlanStep['kind'] | undefined => first?.kind
export const authors = (session: Session): Cursor<Author> => session.find(Author, [{ name: 'Ann' }, { id: 7 }]).skip(1)
// @ts-expect-error a cursor is not a list
export const list = (session: Session): Author[] => session.find(Author)
// @ts-expect-error a plan is read, not written
export const cut = (plan: FlushPlan) => plan.steps.pop()
// @ts-expect-error a relation is refined by its path, three levels deep
export const deep = (session: Session) => session.find(Article).with('comments.article.comments.article')
void [opened, scoped, all]
