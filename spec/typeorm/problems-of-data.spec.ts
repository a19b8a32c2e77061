/**
 * What users of TypeORM report about diffs, managers, context, inheritance and loading, each as what flushpoint gives instead.
 *
 * @module
 */
import { install, MapperExtension, mapper, SessionExtension, withContext, type Change, type EntityState } from 'flushpoint'
import { Column, Entity, EntitySchema, PrimaryGeneratedColumn, Tree, TreeChildren, TreeParent } from 'typeorm'
import { Animal, BULK_ENTITIES, bulkLog, Dog } from '../support/bulk-log.js'
import { closeAll, databaseName, describeDatabase } from '../support/databases.js'
import { Article, Author, Comment, make, Note, Tag } from '../support/models.js'
import { errorOf, namesOf, openLogged } from '../support/transaction-log.js'

const author = (name: string) => make(Author, { name })
const DATETIME = ['sqlite', 'better-sqlite3', 'mariadb'].includes(databaseName()) ? 'datetime' : 'timestamp'

@Entity()
class Meeting {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({
    type: DATETIME,
    transformer: { to: (iso: string) => new Date(iso), from: (date: Date) => date.toISOString() },
  })
  at: string
}

interface Page {
  id: number
  name: string
}
const PageSchema = new EntitySchema<Page>({
  name: 'Page',
  columns: { id: { type: Number, primary: true, generated: true }, name: { type: String } },
})

@Entity()
@Tree('materialized-path')
class Folder {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @TreeChildren() children?: Folder[]
  @TreeParent() parent?: Folder | null
}

const heard: string[] = []
class Hear extends MapperExtension<object> {
  override beforeInsert(entity: object) {
    heard.push(`insert ${(entity as Author).name}`)
  }
  override afterLoad(entity: object) {
    heard.push(`load ${(entity as Author).name}`)
  }
}
mapper(Dog, { extensions: [Hear] })
mapper(Author, { extensions: [Hear] })
mapper(PageSchema, { extensions: [Hear] })

describeDatabase('problems with data and context', () => {
  afterEach(closeAll)
  beforeEach(() => void (heard.length = 0))

  // problem 21
  it('an unchanged date behind a transformer is no change', async () => {
    const updates: string[][] = []
    class See extends SessionExtension {
      override beforeUpdate(_entity: object, { changes }: EntityState) {
        updates.push(Object.keys(changes))
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [See] }, { entities: [Meeting] })
    await dataSource.manager.save(make(Meeting, { name: 'm', at: '2024-02-29T12:30:00.000Z' }))
    const meeting = await dataSource.manager.findOneByOrFail(Meeting, { name: 'm' })
    await dataSource.manager.save(Object.assign(meeting, { name: 'renamed' }))
    expect(updates).toEqual([['name']])
    expect(lines.at(-1)).toBe('commit: update m -> renamed')
  })

  // problem 23
  it('a hook sees and changes what its own transaction wrote, by the manager of its session', async () => {
    const counts: number[] = []
    class Count extends SessionExtension {
      override async afterInsert() {
        counts.push(await this.session.manager.count(Author))
        await this.session.manager.update(Author, { name: 'Ann' }, { name: 'Ann!' })
      }
    }
    const { dataSource } = await openLogged({ extensions: [Count] })
    await dataSource.manager.save(author('Ann'))
    expect(counts).toEqual([1])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann!'])
  })

  // problem 23
  it('a hook that uses the global manager by mistake is told so at once, instead of hanging', async () => {
    class Stray extends SessionExtension {
      override async beforeInsert() {
        await this.session.dataSource.manager.count(Author)
      }
    }
    const { dataSource } = await openLogged({ extensions: [Stray], globalManager: 'refuse' })
    const saves = Array.from({ length: 12 }, (_none, index) => errorOf(dataSource.manager.save(author(`${index}`))))
    for (const error of await Promise.all(saves)) expect(error).toMatchObject({ code: 'GLOBAL_MANAGER_REFUSED' })
  })

  // problem 24
  it('concurrent transactions and saves keep their rows apart', async () => {
    const { dataSource } = await openLogged()
    const failing = (name: string) =>
      dataSource.transaction((manager) => manager.save(author(name)).then(() => Promise.reject(new Error())))
    await Promise.allSettled([failing('a'), dataSource.manager.save(author('b')), failing('c'), dataSource.manager.save(author('d'))])
    expect(await namesOf(dataSource, Author)).toEqual(['b', 'd'])
  })

  // problem 25
  it('the context of the caller is there in every hook, up to the commit, and nowhere else', async () => {
    const seen: [string, unknown][] = []
    class See extends SessionExtension {
      override beforeInsert() {
        seen.push(['beforeInsert', this.session.context])
      }
      override beforeCommit() {
        seen.push(['beforeCommit', this.session.context])
      }
      override afterCommit() {
        seen.push(['afterCommit', this.session.context])
      }
    }
    const { dataSource } = await openLogged({ extensions: [See] })
    await withContext({ actor: 'ann' }, () =>
      dataSource.transaction((manager) => withContext({ requestId: '7' }, () => manager.save(author('Ann')))),
    )
    await dataSource.manager.save(author('Bea'))
    expect(seen).toEqual([
      ['beforeInsert', { actor: 'ann', requestId: '7' }],
      ['beforeCommit', { actor: 'ann' }],
      ['afterCommit', { actor: 'ann' }],
      ['beforeInsert', {}],
      ['beforeCommit', {}],
      ['afterCommit', {}],
    ])
  })

  // problem 26
  it('extensions get their dependencies from the application', async () => {
    class Mailer {
      sent = 0
    }
    const mailer = new Mailer()
    class Mail extends SessionExtension {
      override afterCommit() {
        this.session.resolve(Mailer).sent++
      }
    }
    const { dataSource } = await openLogged({ extensions: [Mail] })
    install(dataSource, { resolve: () => mailer as never })
    await dataSource.manager.save(author('Ann'))
    expect(mailer.sent).toBe(1)
  })

  // problem 27
  it('the hooks of a subclass run for its rows, also when the base class is saved or found', async () => {
    const { dataSource } = await openLogged({}, { entities: BULK_ENTITIES })
    await dataSource.getRepository(Animal).save(make(Dog, { name: 'Rex' }))
    await dataSource.manager.find(Animal)
    expect(heard).toEqual(['insert Rex', 'load Rex'])
  })

  // problem 28
  it('hooks can be declared for an EntitySchema', async () => {
    const { dataSource, lines } = await openLogged({}, { entities: [PageSchema] })
    await dataSource.getRepository(PageSchema).save({ name: 'home' })
    expect(heard).toEqual(['insert home'])
    expect(lines.at(-1)).toBe('commit: insert home')
  })

  // problem 29
  it('afterLoad is for what the user loads, once for each, and awaited; not for what save reads', async () => {
    const loads: string[] = []
    class Loads extends SessionExtension {
      override async afterLoad(entity: object) {
        await Promise.resolve()
        loads.push(entity.constructor.name)
      }
    }
    const { dataSource } = await openLogged({ extensions: [Loads] })
    const article = make(Article, { title: 'x', author: author('Ann'), comments: [make(Comment, { text: 'c' })] })
    await dataSource.manager.save(article)
    await dataSource.manager.save(Object.assign(article, { title: 'y' }))
    await dataSource.manager.save(Object.assign(article, { title: 'z' }), { listeners: false })
    await dataSource.manager.save(make(Note, { text: 'reloaded by TypeORM' }))
    expect(loads).toEqual([])
    await dataSource.manager.find(Article, { relations: { author: true, comments: true } })
    expect(loads.sort()).toEqual(['Article', 'Author', 'Comment'])
  })

  // problem 31
  it('there is a unit of work, complete before anything is sent', async () => {
    const seen: string[] = []
    class See extends SessionExtension {
      override beforeFlush() {
        seen.push(String(this.session.uow))
      }
    }
    const { dataSource } = await openLogged({ extensions: [See] })
    const article = await dataSource.manager.save(make(Article, { title: 'x', tags: [make(Tag, { name: 't' })] }))
    article.tags!.push(make(Tag, { name: 'u' }))
    await dataSource.manager.save([Object.assign(article, { title: 'y' }), author('Ann')])
    await dataSource.manager.remove(await dataSource.manager.findOneByOrFail(Article, { id: article.id }))
    expect(seen).toEqual([
      expect.stringMatching(/^UnitOfWork \(new: (Article, Tag|Tag, Article)\)$/),
      expect.stringMatching(/^UnitOfWork \(new: (Author, Tag|Tag, Author); dirty: Article\)$/),
      'UnitOfWork (deleted: Article)',
    ])
  })

  it('a column that a hook reverts is neither changed nor written', async () => {
    const changes: unknown[] = []
    class Revert extends SessionExtension {
      override beforeUpdate(entity: object, state: EntityState) {
        Object.assign(entity, { slug: state.original.slug })
      }
      override afterUpdate(_entity: object, state: EntityState) {
        changes.push(state.changes)
      }
    }
    const { dataSource } = await openLogged({ extensions: [Revert] })
    const article = await dataSource.manager.save(make(Article, { title: 'x', slug: 'first' }))
    await dataSource.manager.save(Object.assign(article, { title: 'y', slug: 'second' }))
    expect(changes).toEqual([{ title: { from: 'x', to: 'y' } }])
    expect(await dataSource.manager.countBy(Article, { slug: 'first', title: 'y' })).toBe(1)
  })

  it('the statements of a tree are no bulk statements of the user', async () => {
    const log = bulkLog()
    let net: readonly Change[] = []
    class Net extends SessionExtension {
      override afterCommit(changes: readonly Change[]) {
        net = changes
      }
    }
    const { dataSource } = await openLogged({ extensions: [log.extension, Net] }, { entities: [Folder] })
    const root = await dataSource.manager.save(make(Folder, { name: 'root' }))
    await dataSource.manager.save(make(Folder, { name: 'leaf', parent: root }))
    expect(log.before).toEqual([])
    expect(net.map(({ kind, after }) => [kind, after?.name])).toEqual([['insert', 'leaf']])
  })
})
