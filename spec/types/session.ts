/**
 * The session, its cursors and its keys: what narrows, and the calls that must not compile.
 *
 * Checked by the compiler, never run.
 *
 * @module
 */
import { BaseEntity, Repository, type DataSource, type EntityManager, type QueryRunner } from 'typeorm'
import {
  sessionOf,
  stateOf,
  trySessionOf,
  type Cursor,
  type CursorAction,
  type EntityState,
  type FlushPlan,
  type OpenSession,
  type Session,
} from 'flushpoint'
import { Article, Comment, NewsArticle, Tag } from './models.js'

export async function work(session: Session): Promise<void> {
  const article = await session.getOrFail(Article, 7)
  article.title = 'Second edition'
  session.add(new Comment(article, 'first!'))
  session.add(article, new Tag())
  // @ts-expect-error a class is not an entity
  session.delete(Article)
  // @ts-expect-error an array is not an entity: session.add(...list)
  session.add([article])
  // @ts-expect-error one of them is not an entity
  session.add(article, [article])
  // @ts-expect-error only its owner may commit
  void session.commit()
  const maybe: Article | null = await session.get(Article, { id: 7 })
  // @ts-expect-error no such part of the key
  await session.get(Article, { idd: 7 })
  const state: EntityState<Article> = stateOf(article)
  void state.changes.title?.from
  // @ts-expect-error a class has no state
  stateOf(Article)
  const plan: FlushPlan = await session.explain()
  const because: string | undefined = plan.steps[0]?.rows[0]?.because
  const result = await session.flush()
  const total: number = result.inserted + result.durationMs
  const merged: Article = await session.merge(Article, { title: 'x' })
  // @ts-expect-error no such column
  await session.merge(Article, { titel: 'x' })
  const fresh: Article = await session.refresh(article)
  const inner: number = await session.transaction(async (nested) => (await nested.flush()).statements)
  void [maybe, because, total, merged, fresh, inner]
}

export async function read(session: Session): Promise<void> {
  const list: Article[] = await session.find(Article, { title: 'x' })
  const related = await session.find(Article, { slug: 'a' }).with('author', 'tags').order({ title: 'ASC' }).limit(3)
  const name: string | undefined = related[0]?.author?.name
  const tags: Tag[] | undefined = related[0]?.tags
  const count: number = related[0]!.tags.length
  const deep = await session.find(Article).with('author.company', 'comments').one()
  const company: string | undefined = deep.author?.company?.name
  const comments: number = deep.comments.length
  const first: Article | null = await session.find(Article).first()
  // @ts-expect-error a column is no relation
  session.find(Article).with('title')
  // @ts-expect-error no such relation of the author
  session.find(Article).with('author.title')
  // @ts-expect-error not loaded
  void (await session.find(Article).one()).tags.length
  // @ts-expect-error TypeORM's find options are not the second argument
  session.find(Article, { where: { title: 'x' } })
  // @ts-expect-error no such column
  session.find(Article).order({ titel: 'ASC' })
  for await (const article of session.find(Article)) void article.title
  void [list, name, tags, count, company, comments, first]
}

export function listen(session: Session): void {
  session.onCommit((changes) => {
    for (const change of changes) if (change.is(NewsArticle)) void change.entity.agency
  })
  session.onCommit(async (changes) => {
    await Promise.resolve(changes)
  })
  session.onRollback((changes, scope) => void [changes.length, scope.depth])
  // @ts-expect-error a function
  session.onCommit('later')
  // @ts-expect-error nobody may set the session's manager
  session.manager = null as never
}

/** What an owner may do that hooks may not. */
export async function own(open: () => OpenSession): Promise<void> {
  await using session = open()
  // @ts-expect-error a nested scope is ended by its function
  await session.transaction(async (nested: Session) => nested.commit())
  await session.begin()
  await session.rollback()
  await session.commit()
  session.clear()
  const shared: Session = session
  void shared
}

// ---- where a session is found
declare const repository: Repository<Article>
declare const manager: EntityManager
declare const runner: QueryRunner
declare const dataSource: DataSource
sessionOf(manager).onCommit(() => {})
sessionOf(runner).onCommit(() => {})
sessionOf(repository).add(new Tag())
sessionOf({ manager }).add(new Tag())
sessionOf(repository.extend({ later: () => 1 })).add(new Tag())
const found: Session | undefined = trySessionOf(manager)
// @ts-expect-error there may be none
trySessionOf(manager).onCommit(() => {})
// @ts-expect-error an entity is no source
sessionOf(new Tag())
// @ts-expect-error a runner is a source itself, not by name
sessionOf({ queryRunner: runner })
class Bookmark extends BaseEntity {
  id: number
}
sessionOf(Bookmark.getRepository()).onCommit(() => {})
// @ts-expect-error an entity class is no source: its repository is
sessionOf(Bookmark)
void [found, dataSource]

export class ArticleRepository extends Repository<Article> {
  later(): void {
    sessionOf(this).onCommit(() => {})
  }
}

/** Helpers users will write. */
export const withAuthor = (cursor: Cursor<Article>, action: CursorAction) => [cursor.with('author'), action] as const
