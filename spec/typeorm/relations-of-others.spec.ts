/**
 * Relations that hooks change on entities the caller did not name: cascaded ones, soft-removed ones, orphans, members of the same flush.
 *
 * @module
 */
import {
  Column,
  DeleteDateColumn,
  Entity,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
} from 'typeorm'
import { closeDataSources } from '../support/databases.js'
import { fresh, label, only, openWithHooks, type Hooks } from '../support/hooks.js'
import { Book, Imprint, LIBRARY, Topic, Writer } from '../support/library.js'
import { Article, Author, Comment, ENTITIES, make, Tag } from '../support/models.js'
import { describeWays } from '../support/ways-in.js'

afterEach(closeDataSources)

/** May be soft-removed, with relations of both kinds. */
@Entity()
class Paper {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Author, { cascade: ['insert'], nullable: true }) keeper?: Author | null
  @ManyToMany(() => Tag, { cascade: ['insert'] }) @JoinTable() tags?: Tag[]
  @DeleteDateColumn() deletedAt?: Date | null
}

/** A composite key on both ends of a one-to-many. */
@Entity()
class Shelf {
  @PrimaryColumn() hall: string
  @PrimaryColumn() number: number
  @Column() name: string
  @OneToMany(() => Slot, (slot) => slot.shelf, { cascade: true }) slots?: Slot[]
}

@Entity()
class Slot {
  @PrimaryColumn() code: string
  @PrimaryColumn() level: number
  @Column() name: string
  @ManyToOne(() => Shelf, (shelf) => shelf.slots, { nullable: true }) shelf?: Shelf | null
}

const entities = [...ENTITIES, ...LIBRARY, Paper, Shelf, Slot]
const open = (...own: Hooks[]) => openWithHooks({ entities }, ...own)

describeWays('a cascaded entity', (way) => {
  it('gets relations to new objects from its own before-hook', async () => {
    const dataSource = await open({
      beforeInsert: only(
        Author,
        (author) => void (author.articles ??= [make(Article, { title: 'extra', tags: [make(Tag, { name: 't' })] })]),
      ),
    })
    const article = await way.save(dataSource, make(Article, { title: 'a', author: make(Author, { name: 'Ann' }) }))
    const author = await dataSource.manager.findOneOrFail(Author, {
      where: { id: article.author!.id },
      relations: { articles: { tags: true } },
    })
    expect(author.articles!.map(({ title }) => title)).toContain('extra')
    expect(await dataSource.manager.countBy(Tag, { name: 't' })).toBe(1)
  })

  it('that a hook unlinks before the insert is not written and gets no after-hook', async () => {
    const log: string[] = []
    const dataSource = await open({
      beforeInsert: only(Article, (article) => void (article.comments = [])),
      afterInsert: (entity) => void log.push(label(entity)),
    })
    await way.save(dataSource, make(Article, { title: 'a', comments: [make(Comment, { text: 'c' })] }))
    expect(log).toEqual(['Article a'])
    expect(await dataSource.manager.count(Comment)).toBe(0)
  })

  it('that a hook replaces is written in its stead', async () => {
    const dataSource = await open({
      beforeFlush() {
        for (const one of this.session.uow.new) if (one instanceof Article) one.author = make(Author, { name: 'instead' })
      },
    })
    await way.save(dataSource, make(Article, { title: 'a', author: make(Author, { name: 'first' }) }))
    expect((await dataSource.manager.find(Author)).map(({ name }) => name)).toEqual(['instead'])
  })
})

describeWays('a relation changed in beforeSoftRemove or beforeRecover', (way) => {
  const operations: ['beforeSoftRemove' | 'beforeRecover', 'softRemove' | 'recover'][] = [
    ['beforeSoftRemove', 'softRemove'],
    ['beforeRecover', 'recover'],
  ]

  async function checked(hook: string, operation: 'softRemove' | 'recover', areStored: boolean): Promise<void> {
    const [keeper, tag] = [make(Author, { name: 'archivist' }), make(Tag, { name: 'archived' })]
    const dataSource = await open({ [hook]: only(Paper, (paper) => Object.assign(paper, { keeper, tags: [tag] })) })
    if (areStored) await way.save(dataSource, [keeper, tag])
    const paper = await way.save(dataSource, make(Paper, { name: 'p', tags: [make(Tag, { name: 'old' })] }))
    await dataSource.manager[operation](paper)
    const stored = await fresh(dataSource, Paper, paper.id, 'keeper', 'tags')
    expect(stored).toMatchObject({ keeper: { name: 'archivist' }, tags: [{ name: 'archived' }] })
    expect(stored.deletedAt === null).toBe(operation === 'recover')
  }

  it.each(operations)('(%s) is written where it leads to stored objects', (hook, operation) => checked(hook, operation, true))

  it.each(operations)('(%s) is written where it leads to new objects', (hook, operation) => checked(hook, operation, false))
})

describeWays('relations inside an embedded object', (way) => {
  it('of a stored entity are replaced, emptied and put back', async () => {
    const dataSource = await open({
      beforeUpdate: only(Book, (book) => {
        if (book.name === 'replace')
          Object.assign(book.imprint, { editor: make(Writer, { name: 'new' }), topics: [make(Topic, { name: 'new' })] })
        if (book.name === 'empty') Object.assign(book.imprint, { editor: null, topics: [] })
      }),
    })
    const read = (id: number) =>
      dataSource.manager.findOneOrFail(Book, { where: { id }, relations: { imprint: { editor: true, topics: true } } })
    const imprint = make(Imprint, { place: 'here', editor: make(Writer, { name: 'old' }), topics: [make(Topic, { name: 'old' })] })
    const { id } = await way.save(dataSource, make(Book, { name: 'b', imprint }))
    await way.save(dataSource, Object.assign(await way.load(dataSource, Book, { id }), { name: 'replace' }))
    expect((await read(id)).imprint).toMatchObject({ place: 'here', editor: { name: 'new' }, topics: [{ name: 'new' }] })
    await way.save(dataSource, Object.assign(await way.load(dataSource, Book, { id }), { name: 'empty' }))
    expect((await read(id)).imprint).toMatchObject({ place: 'here', editor: null, topics: [] })
  })
})

describeWays('collections between composite keys', (way) => {
  it('are replaced by hooks, orphans and all', async () => {
    const dataSource = await open({
      beforeUpdate: only(Shelf, (shelf) => void (shelf.slots = [make(Slot, { code: 'b', level: 2, name: 'new' })])),
    })
    const key = { hall: 'h', number: 1 }
    await way.save(dataSource, make(Shelf, { ...key, name: 's', slots: [make(Slot, { code: 'a', level: 1, name: 'old' })] }))
    // TypeORM's save finds out that there is such a row; a session is given what it has loaded.
    const loaded = () => way.load(dataSource, Shelf, key)
    const shelfAgain = await way.pick({ ambient: () => Promise.resolve(make(Shelf, key)), session: loaded })()
    await way.save(dataSource, Object.assign(shelfAgain, { name: 'changed' }))
    const shelf = await dataSource.manager.findOneOrFail(Shelf, { where: key, relations: { slots: true } })
    expect(shelf.slots).toEqual([{ code: 'b', level: 2, name: 'new' }])
    expect(await dataSource.manager.countBy(Slot, { name: 'old' })).toBe(1)
  })
})

describeWays('a child moved between two collections', (way) => {
  it.each([
    ['named first', (child: Comment, parents: Article[]) => [child, ...parents]],
    ['named last', (child: Comment, parents: Article[]) => [...parents, child]],
    ['not named', (_child: Comment, parents: Article[]) => parents],
    ['with its new parent first', (_child: Comment, parents: Article[]) => [...parents].reverse()],
  ])('keeps its new parent when it is %s', async (_how, roots) => {
    const child = make(Comment, { text: 'c' })
    const dataSource = await open({ beforeUpdate() {} })
    const [from, to] = await way.save(dataSource, [
      make(Article, { title: 'from', comments: [child] }),
      make(Article, { title: 'to', comments: [] }),
    ])
    Object.assign(from!, { comments: [] })
    Object.assign(to!, { comments: [child] })
    await way.save(dataSource, roots(child, [from!, to!]) as Article[])
    expect((await fresh(dataSource, Comment, child.id, 'article')).article?.title).toBe('to')
  })
})
