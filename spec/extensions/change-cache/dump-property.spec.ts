/**
 * Whatever is committed, rolled back or undone to a savepoint: after a dump the folder is what the tables of the roots are.
 *
 * @module
 */
import { sessionSubscriber } from 'flushpoint'
import { ChangeCache, dumpCache } from 'flushpoint/extensions'
import * as fc from 'fast-check'
import { Keyv } from 'keyv'
import type { DataSource } from 'typeorm'
import { filesIn, newFolder } from '../../support/change-records.js'
import { closeDataSources, openOnUsedTables } from '../../support/databases.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../../support/models.js'
import { describeWays, type Work } from '../../support/ways-in.js'

const ROOTS = [Author, Article, Note]

/** One write, told by numbers that choose among what there is. */
type Write = readonly [
  kind: 'author' | 'article' | 'comment' | 'tag' | 'note' | 'rename' | 'move' | 'tagging' | 'soft' | 'removeOne',
  a: number,
  b: number,
]

interface Step {
  readonly writes: readonly Write[]
  readonly nested: readonly Write[]
  readonly undoes: 'nothing' | 'savepoint' | 'all'
}

const writes = fc.array(
  fc.tuple(
    fc.constantFrom<Write[0][]>('author', 'article', 'comment', 'tag', 'note', 'rename', 'move', 'tagging', 'soft', 'removeOne'),
    fc.nat(20),
    fc.nat(20),
  ),
  { maxLength: 4 },
)
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ writes, nested: writes, undoes: fc.constantFrom<Step['undoes'][]>('nothing', 'nothing', 'savepoint', 'all') }),
  { minLength: 1, maxLength: 4 },
)

/** What there is before anything random happens: articles by authors, with tags and comments. */
const FIRST: Step = {
  writes: [
    ...(['author', 'author', 'tag', 'tag', 'article', 'article', 'comment', 'comment', 'comment', 'note'] as const).map(
      (kind, at): Write => [kind, at, at],
    ),
    ['tagging', 0, 0],
    ['tagging', 0, 1],
    ['tagging', 1, 1],
  ],
  nested: [],
  undoes: 'nothing',
}

let names = 0
const name = () => `n${++names}`

/** A transaction, and whether it is one of a session of its own: loaded objects are written by the way they were loaded. */
interface Writing {
  readonly work: Work
  readonly isSession: boolean
}

const BY_ID = { id: 'ASC' } as const

async function articlesOf({ work, isSession }: Writing): Promise<Article[]> {
  if (isSession) return work.session.find(Article).order(BY_ID).with('tags').all()
  return work.manager.find(Article, { order: BY_ID, relations: { tags: true } })
}

async function allOf<E extends { id: number }>({ work }: Writing, type: new () => E): Promise<E[]> {
  return (await work.loadAll(type)).sort((x, y) => x.id - y.id)
}

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list[at % list.length]
}

async function write(writing: Writing, [kind, a, b]: Write): Promise<void> {
  const { save, remove, softRemove } = writing.work
  const article = async (at: number) => pick(await articlesOf(writing), at)
  const one = async <E extends { id: number }>(type: new () => E, at: number) => pick(await allOf(writing, type), at)
  if (kind === 'author') await save(make(Author, { name: name() }))
  if (kind === 'article') await save(make(Article, { title: name(), author: (await one(Author, a)) ?? null, tags: [] }))
  if (kind === 'comment') await save(make(Comment, { text: name(), article: (await article(a)) ?? null }))
  if (kind === 'tag') await save(make(Tag, { name: name() }))
  if (kind === 'note') await save(make(Note, { text: name() }))
  if (kind === 'rename') {
    const [first, author] = [await article(a), await one(Author, b)]
    if (first !== undefined) await save(Object.assign(first, { title: name() }))
    if (author !== undefined && b % 2 === 0) await save(Object.assign(author, { name: name() }))
  }
  if (kind === 'move') {
    const [comment, target] = [await one(Comment, a), await article(b)]
    if (comment !== undefined) await save(Object.assign(comment, { article: b % 5 === 0 ? null : (target ?? null) }))
  }
  if (kind === 'tagging') await retag(writing, await article(a), await one(Tag, b))
  if (kind === 'soft') {
    const note = await one(Note, a)
    if (note !== undefined) await softRemove(note)
  }
  if (kind === 'removeOne') {
    const row = await one(pick([Comment, Tag, Note, Article] as (new () => { id: number })[], a)!, b)
    if (row !== undefined) await remove(row)
  }
}

async function retag({ work }: Writing, article: Article | undefined, tag: Tag | undefined): Promise<void> {
  if (article === undefined || tag === undefined) return
  const has = article.tags!.some(({ id }) => id === tag.id)
  article.tags = has ? article.tags!.filter(({ id }) => id !== tag.id) : [...article.tags!, tag]
  await work.save(article)
}

/** What a folder should be, from the tables alone. */
async function expected({ manager }: DataSource): Promise<Readonly<Record<string, unknown>>> {
  const found: Record<string, unknown> = {}
  const key = (other?: { id: number } | null) => (other ? { id: other.id } : null)
  for (const { id, name } of await manager.find(Author)) found[`Author/${id}_${name}.json`] = { id, name, model: 'Author' }
  for (const { createdAt, updatedAt, deletedAt, ...note } of await manager.find(Note, { withDeleted: true }))
    found[`Note/${note.id}.json`] = {
      ...note,
      model: 'Note',
      createdAt: createdAt.toISOString(),
      updatedAt: updatedAt.toISOString(),
      deletedAt: deletedAt?.toISOString() ?? null,
    }
  for (const article of await manager.find(Article, { relations: { author: true, tags: true, comments: true } })) {
    const { author, tags, comments, ...own } = article
    const byId = (x: { id: number }, y: { id: number }) => x.id - y.id
    const byText = (x: { id: number }, y: { id: number }) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1)
    found[`Article/${own.id}_${own.title}.json`] = {
      ...own,
      model: 'Article',
      author: key(author),
      tags: tags!.map((tag) => key(tag)!).sort(byText),
      comments: [...comments!].sort(byId).map(({ id, text }) => ({ id, text, model: 'Comment', article: { id: own.id } })),
    }
  }
  return found
}

describeWays('a dump after every transaction', (way) => {
  afterEach(closeDataSources)

  it('makes the folder what the tables are', async () => {
    const check = async (script: readonly Step[]) => {
      const cache = new Keyv()
      const dataSource = await openOnUsedTables({
        entities: ENTITIES,
        subscribers: [sessionSubscriber({ extensions: [ChangeCache.with({ cache, roots: ROOTS })] })],
      })
      const dir = await newFolder()
      try {
        for (const step of [FIRST, ...script]) {
          await way.transaction(dataSource, (work) => run(work, step)).catch(undone)
          await dumpCache({ cache, dir })
          const files = Object.entries(await filesIn(dir)).map(([path, text]) => [path, JSON.parse(text) as unknown])
          expect(Object.fromEntries(files)).toEqual(await expected(dataSource))
        }
      } finally {
        await dataSource.destroy()
      }
    }
    await fc.assert(fc.asyncProperty(steps, check), { numRuns: 25 })
  }, 120_000)

  async function run(work: Work, step: Step): Promise<void> {
    const { isSession } = way
    for (const one of step.writes) await write({ work, isSession }, one)
    await work
      .transaction(async (inner) => {
        for (const one of step.nested) await write({ work: inner, isSession }, one)
        if (step.undoes === 'savepoint') throw new Undone()
      })
      .catch(undone)
    if (step.undoes === 'all') throw new Undone()
  }
})

class Undone extends Error {}

function undone(error: unknown): void {
  if (!(error instanceof Undone)) throw error
}
