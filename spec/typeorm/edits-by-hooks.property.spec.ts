/**
 * Whatever hooks do to an object graph before a flush, the database holds that graph afterwards.
 *
 * Random edits (columns, many-to-one, one-to-many, many-to-many, new objects, deletes) are spread over beforeFlush, beforeInsert and
 * beforeUpdate of one save, on objects with and without their collections loaded. A model kept beside the objects says what must be stored.
 *
 * @module
 */
import fc from 'fast-check'
import type { Session } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { describeDatabase } from '../support/databases.js'
import { once, openWithHooks } from '../support/hooks.js'
import { Article, Author, Comment, ENTITIES, make, Tag } from '../support/models.js'

type Edit =
  | { do: 'rename'; article: number }
  | { do: 'author'; article: number; author: number | 'new' | null }
  | { do: 'tags'; article: number; tags: number[]; fresh: number }
  | { do: 'comments'; article: number; comments: number[]; fresh: number }
  | { do: 'renameTag' | 'deleteTag' | 'deleteComment'; index: number }
  | { do: 'addArticle'; author: number | 'new' | null; tags: number[] }

const index = fc.nat(2)
const author = fc.constantFrom<number | 'new' | null>(0, 1, 'new', null)
const some = fc.subarray([0, 1, 2])
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ do: fc.constant('rename' as const), article: index }),
  fc.record({ do: fc.constant('author' as const), article: index, author }),
  fc.record({ do: fc.constant('tags' as const), article: index, tags: some, fresh: fc.nat(1) }),
  fc.record({ do: fc.constant('comments' as const), article: index, comments: some, fresh: fc.nat(1) }),
  fc.record({ do: fc.constantFrom('renameTag' as const, 'deleteTag' as const, 'deleteComment' as const), index }),
  fc.record({ do: fc.constant('addArticle' as const), author, tags: some }),
)
const edits = fc.array(edit, { maxLength: 3 })
const scenario = fc.record({ isLoaded: fc.boolean(), beforeFlush: edits, beforeInsert: edits, beforeUpdate: edits })

interface Links {
  author: Author | null
  tags: Tag[]
  comments: Comment[]
}

/** The objects hooks edit, and what the database must hold for them: their own links, or where those are not loaded what was stored. */
class World {
  readonly articles: Article[]
  readonly authors: Author[]
  readonly tags: Tag[]
  readonly comments: Comment[]
  readonly #stored = new Map<Article, Links>()
  #names = 0

  constructor() {
    this.authors = [make(Author, { name: this.#name() }), make(Author, { name: this.#name() })]
    this.tags = [0, 1, 2].map(() => make(Tag, { name: this.#name() }))
    this.comments = [0, 1, 2].map(() => make(Comment, { text: this.#name() }))
    const [t0, t1, t2] = this.tags as [Tag, Tag, Tag]
    const [c0, c1] = this.comments as [Comment, Comment]
    this.articles = [
      this.#article({ author: this.authors[0]!, tags: [t0, t1], comments: [c0, c1] }),
      this.#article({ author: null, tags: [t2], comments: [] }),
      this.#article({ author: this.authors[1]!, tags: [], comments: [] }),
    ]
  }

  #name(): string {
    return `n${++this.#names}`
  }

  #article(links: Links): Article {
    const { tags, comments } = links
    const article = make(Article, { title: this.#name(), author: links.author, tags: [...tags], comments: [...comments] })
    this.#stored.set(article, links)
    return article
  }

  get all(): object[] {
    return [...this.authors, ...this.tags, ...this.comments, ...this.articles]
  }

  /** As loaded without relations. */
  unload(): void {
    for (const article of this.articles) {
      delete article.author
      delete article.tags
      delete article.comments
    }
  }

  apply(edit: Edit, session: Session): void {
    const article = 'article' in edit ? this.articles[edit.article]! : undefined
    switch (edit.do) {
      case 'rename':
        article!.title = this.#name()
        return
      case 'author':
        article!.author = this.#author(edit.author)
        return
      case 'tags':
        article!.tags = [...this.#living(this.tags, edit.tags), ...this.#new(edit.fresh, (name) => make(Tag, { name }))]
        return
      case 'comments':
        return this.#setComments(article!, [
          ...this.#living(this.comments, edit.comments),
          ...this.#new(edit.fresh, (text) => make(Comment, { text })),
        ])
      case 'addArticle':
        return session.add(this.#added(edit))
      default:
        return this.#editMember(edit, session)
    }
  }

  readonly #gone = new Set<object>()

  #editMember({ do: what, index }: { do: 'renameTag' | 'deleteTag' | 'deleteComment'; index: number }, session: Session): void {
    const member = what === 'deleteComment' ? this.comments[index]! : this.tags[index]!
    if (this.#gone.has(member)) return
    if (what === 'renameTag') return void ((member as Tag).name = this.#name())
    for (const article of this.#stored.keys()) {
      if (article.tags?.includes(member as Tag)) article.tags = article.tags.filter((tag) => tag !== member)
      if (article.comments?.includes(member as Comment)) article.comments = article.comments.filter((comment) => comment !== member)
    }
    this.#gone.add(member)
    session.delete(member)
  }

  #author(choice: number | 'new' | null): Author | null {
    if (choice === 'new') return this.#new(1, (name) => make(Author, { name }))[0]!
    return choice === null ? null : this.authors[choice]!
  }

  #added({ author, tags }: { author: number | 'new' | null; tags: number[] }): Article {
    return this.#article({ author: this.#author(author), tags: this.#living(this.tags, tags), comments: [] })
  }

  #living<E extends object>(pool: readonly E[], indexes: readonly number[]): E[] {
    return indexes.map((at) => pool[at]!).filter((one) => !this.#gone.has(one))
  }

  #new<E extends object>(count: number, build: (name: string) => E): E[] {
    return Array.from({ length: count }, () => build(this.#name()))
  }

  /** A comment belongs to one article: the others lose it. */
  #setComments(article: Article, comments: Comment[]): void {
    for (const other of this.#stored.keys()) {
      if (other.comments?.some((comment) => comments.includes(comment)))
        other.comments = other.comments.filter((comment) => !comments.includes(comment))
    }
    article.comments = comments
  }

  #linksOf(article: Article): Links {
    const { author, tags, comments } = this.#stored.get(article)!
    const taken = [...this.#stored.keys()].flatMap((other) => (other === article ? [] : (other.comments ?? [])))
    return {
      author: article.author === undefined ? author : article.author,
      tags: (article.tags ?? tags).filter((tag) => !this.#gone.has(tag)),
      comments: article.comments ?? comments.filter((comment) => !this.#gone.has(comment) && !taken.includes(comment)),
    }
  }

  /** All that must be stored: the members of the start and those linked now, without the deleted ones. */
  expected(): unknown {
    const links = [...this.#stored.keys()].map((article) => ({ title: article.title, ...this.#linksOf(article) }))
    const living = <E extends object>(pool: readonly E[], now: readonly E[]) =>
      [...new Set([...pool, ...now])].filter((one) => !this.#gone.has(one))
    return {
      articles: links
        .map(({ title, author, tags, comments }) => [title, author?.name ?? null, namesOf(tags), textsOf(comments)])
        .sort(byTitle),
      tags: namesOf(
        living(
          this.tags,
          links.flatMap(({ tags }) => tags),
        ),
      ),
      comments: textsOf(
        living(
          this.comments,
          links.flatMap(({ comments }) => comments),
        ),
      ),
    }
  }
}

const namesOf = (tags: readonly Tag[]) => tags.map(({ name }) => name).sort()
const textsOf = (comments: readonly Comment[]) => comments.map(({ text }) => text).sort()
const byTitle = (a: unknown[], b: unknown[]) => (String(a[0]) < String(b[0]) ? -1 : 1)

/** What the database holds, read anew. */
async function actual({ manager }: DataSource): Promise<unknown> {
  const articles = await manager.find(Article, { relations: { author: true, tags: true, comments: true } })
  return {
    articles: articles
      .map(({ title, author, tags, comments }) => [title, author?.name ?? null, namesOf(tags!), textsOf(comments!)])
      .sort(byTitle),
    tags: namesOf(await manager.find(Tag)),
    comments: textsOf(await manager.find(Comment)),
  }
}

async function clear({ manager }: DataSource): Promise<void> {
  for (const table of ['article_tags_tag', 'comment', 'article', 'tag', 'author']) await manager.query(`DELETE FROM ${table}`)
}

describeDatabase('an object graph edited by hooks', () => {
  it('is what the database holds after the flush', async () => {
    let hooks: Record<'beforeFlush' | 'beforeInsert' | 'beforeUpdate', (session: Session) => unknown> | undefined
    const dataSource = await openWithHooks(
      { entities: ENTITIES },
      {
        beforeFlush() {
          hooks?.beforeFlush(this.session)
        },
        beforeInsert() {
          hooks?.beforeInsert(this.session)
        },
        beforeUpdate() {
          hooks?.beforeUpdate(this.session)
        },
      },
    )
    const property = fc.asyncProperty(scenario, async ({ isLoaded, ...planned }) => {
      hooks = undefined
      await clear(dataSource)
      const world = new World()
      await dataSource.manager.save(world.all)
      if (!isLoaded) world.unload()
      const inOrder = (list: readonly Edit[]) => {
        let run: (() => unknown) | undefined
        return (session: Session) => (run ??= once(() => list.forEach((one) => world.apply(one, session))))()
      }
      hooks = {
        beforeFlush: inOrder(planned.beforeFlush),
        beforeInsert: inOrder(planned.beforeInsert),
        beforeUpdate: inOrder(planned.beforeUpdate),
      }
      world.articles[0]!.title = 'changed by the caller'
      await dataSource.manager.save([...world.all, make(Author, { name: 'inserted by the caller' })])
      expect(await actual(dataSource)).toEqual(world.expected())
    })
    await fc.assert(property, { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 40) })
  }, 120_000)
})
