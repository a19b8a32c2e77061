/**
 * What users of TypeORM's hooks and transactions report, each as what flushpoint gives instead.
 *
 * @module
 */
import { MapperExtension, mapper, SessionExtension, sessionOf, type BulkStatement, type Change, type EntityState } from 'flushpoint'
import type { EntitySubscriberInterface } from 'typeorm'
import { BULK_ENTITIES, Item } from '../support/bulk-log.js'
import { closeAll, describeDatabase } from '../support/databases.js'
import { Article, Author, Comment, make, Note, Tag } from '../support/models.js'
import { collectWarnings, errorOf, namesOf, openLogged, openStranger, tellAll } from '../support/transaction-log.js'

const author = (name: string) => make(Author, { name })
const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

const touched: string[] = []
class Touch extends MapperExtension<object> {
  override beforeInsert(entity: object) {
    touched.push(`insert ${(entity as Tag).name}`)
  }
  override beforeSoftRemove(entity: object) {
    ;(entity as Note).reason = 'removed by hook'
  }
  override beforeRecover(entity: object) {
    ;(entity as Note).reason = 'recovered by hook'
  }
}
mapper(Tag, { extensions: [Touch] })
mapper(Note, { extensions: [Touch] })

class Images extends SessionExtension {
  override beforeBulk(statement: BulkStatement) {
    statement.wantImages('both')
  }
}

describeDatabase('problems with hooks and transactions', () => {
  afterEach(closeAll)
  afterEach(() => jest.restoreAllMocks())
  beforeEach(() => void (touched.length = 0))

  // problem 1
  it('work after the commit is asked for in an after-hook, and everybody sees the row by then', async () => {
    const seen: string[][] = []
    class Index extends SessionExtension {
      override afterInsert() {
        this.session.onCommit(async () => void seen.push(await namesOf(stranger, Author)))
      }
    }
    const { dataSource } = await openLogged({ extensions: [Index] })
    const stranger = await openStranger(dataSource)
    await dataSource.manager.save(author('Ann'))
    await errorOf(dataSource.transaction((manager) => manager.save(author('Bea')).then(() => Promise.reject(new Error('no')))))
    expect(seen).toEqual([['Ann']])
  })

  // problem 2
  it('each transaction is told its own changes, also when several run at once', async () => {
    const { dataSource, lines } = await openLogged()
    await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        dataSource.transaction(async (manager) => {
          await manager.save(author(name))
          await tick()
          await manager.save(author(`${name}2`))
        }),
      ),
    )
    expect(lines.filter((line) => line.startsWith('commit')).sort()).toEqual(
      ['a', 'b', 'c'].map((n) => `commit: insert ${n}, insert ${n}2`),
    )
  })

  // problem 3
  it('a nested commit announces nothing when the outer transaction rolls back', async () => {
    const { dataSource, lines } = await openLogged()
    const work = dataSource.transaction(async (outer) => {
      await outer.transaction((inner) => inner.save(author('phantom')))
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(lines.filter((line) => line.startsWith('commit'))).toEqual([])
  })

  // problem 4
  it('an error after the commit is reported, and the caller is told the truth: it is committed', async () => {
    const warnings = collectWarnings()
    class Late extends SessionExtension {
      override afterCommit() {
        throw new Error('late')
      }
    }
    const { dataSource } = await openLogged({ extensions: [Late] })
    jest.spyOn(dataSource.logger, 'log').mockImplementation(() => undefined)
    await expect(dataSource.transaction((manager) => manager.save(author('Ann')))).resolves.toMatchObject({ name: 'Ann' })
    expect(warnings.codes).toEqual(['HOOK_FAILED'])
  })

  // problem 5
  it('hooks run in listed order, and any thenable is awaited', async () => {
    const log: string[] = []
    const hook = (name: string) =>
      class extends SessionExtension {
        override beforeInsert(): PromiseLike<void> & Promise<void> {
          const thenable = { then: (resolve: () => void) => setImmediate(() => (log.push(name), resolve())) }
          return thenable as unknown as Promise<void>
        }
      }
    const { dataSource } = await openLogged({ extensions: [hook('a'), hook('b'), hook('c')] })
    await dataSource.manager.save(author('Ann'))
    expect(log).toEqual(['a', 'b', 'c'])
  })

  // problem 6
  it('a rejecting listener lets no other write after the rollback', async () => {
    const { dataSource } = await openLogged()
    const rejecting: EntitySubscriberInterface = { beforeInsert: () => Promise.reject(new Error('no')) }
    const slow: EntitySubscriberInterface = {
      async beforeInsert({ manager, metadata }) {
        if (metadata.target !== Author) return
        await tick()
        await manager.createQueryBuilder().insert().into(Tag).values({ name: 'stray' }).callListeners(false).execute()
      },
    }
    dataSource.subscribers.push(rejecting, slow)
    await expect(dataSource.manager.save(author('Ann'))).rejects.toThrow('no')
    await tick()
    expect(await namesOf(dataSource, Tag)).toEqual([])
  })

  // problems 7, 8 and 9
  it('update, delete, softDelete and upsert by query know their rows, old values and kinds', async () => {
    let net: readonly Change[] = []
    class Net extends SessionExtension {
      override afterCommit(changes: readonly Change[]) {
        net = changes
      }
    }
    const { dataSource } = await openLogged({ extensions: [Images, Net] }, { entities: BULK_ENTITIES })
    const { id } = await dataSource.manager.save(make(Item, { name: 'apple', stock: 1 }))
    await dataSource.manager.update(Item, { name: 'apple' }, { stock: 2 })
    expect(net[0]).toMatchObject({ kind: 'update', key: { id }, before: { stock: 1 }, after: { stock: 2 } })
    await dataSource.manager.softDelete(Item, { stock: 2 })
    expect(net[0]).toMatchObject({ kind: 'softRemove', key: { id }, before: { name: 'apple', deletedAt: null } })
    const values = [{ name: 'apple', stock: 3 }, { name: 'pear' }]
    await dataSource.manager.upsert(Item, values, ['name'])
    expect(tellAll(net)).toBe('update apple, insert pear')
    await dataSource.manager.delete(Item, { id })
    expect(net[0]).toMatchObject({ kind: 'delete', key: { id }, before: { name: 'apple', stock: 3 } })
  })

  // problem 10
  it('plain objects given to save run the hooks of their class', async () => {
    const { dataSource, lines } = await openLogged()
    await dataSource.manager.save(Tag, { name: 'plain' })
    await dataSource.getRepository(Tag).save([{ name: 'more' }])
    expect(touched).toEqual(['insert plain', 'insert more'])
    expect(lines.filter((line) => line.startsWith('commit'))).toEqual(['commit: insert plain', 'commit: insert more'])
  })

  // problem 11
  it('relations set in beforeFlush are saved, with the hooks of what they bring', async () => {
    class Tagger extends SessionExtension {
      override beforeFlush() {
        for (const one of this.session.uow.new) if (one instanceof Article) one.tags = [make(Tag, { name: 'auto' })]
      }
    }
    const { dataSource } = await openLogged({ extensions: [Tagger] })
    const { id } = await dataSource.manager.save(make(Article, { title: 'x' }))
    const loaded = await dataSource.manager.findOneOrFail(Article, { where: { id }, relations: { tags: true } })
    expect(loaded.tags?.map(({ name }) => name)).toEqual(['auto'])
    expect(touched).toEqual(['insert auto'])
  })

  // problem 12
  it('a many-to-one that a hook sets back to its database value stays as it was', async () => {
    class Keep extends SessionExtension {
      override beforeUpdate(entity: object) {
        if (entity instanceof Article) entity.author = ann
      }
    }
    const { dataSource, lines } = await openLogged({ extensions: [Keep] })
    const [ann, bea] = (await dataSource.manager.save([author('Ann'), author('Bea')])) as [Author, Author]
    const article = await dataSource.manager.save(make(Article, { title: 'x', author: ann }))
    await dataSource.manager.save(Object.assign(article, { author: bea }))
    const { author: stored } = await dataSource.manager.findOneOrFail(Article, { where: { id: article.id }, relations: { author: true } })
    expect(stored?.name).toBe('Ann')
    expect(lines.at(-1)).toBe('commit: nothing')
  })

  // problem 13
  it('columns set in beforeSoftRemove and beforeRecover are saved', async () => {
    const { dataSource } = await openLogged()
    const note = await dataSource.manager.save(make(Note, { text: 'n' }))
    const stored = () => dataSource.manager.findOneOrFail(Note, { where: { id: note.id }, withDeleted: true })
    await dataSource.manager.softRemove(note)
    expect((await stored()).reason).toBe('removed by hook')
    expect((await stored()).deletedAt).toBeInstanceOf(Date)
    await dataSource.manager.recover(note)
    expect(await stored()).toMatchObject({ reason: 'recovered by hook', deletedAt: null })
  })

  // problem 14
  it('the owner is updated, by its hooks too, when only a many-to-many changed', async () => {
    const seen: unknown[] = []
    class See extends SessionExtension {
      override beforeUpdate(entity: object, state: EntityState) {
        seen.push([entity.constructor.name, state.changed('tags'), state.changes])
      }
    }
    const { dataSource } = await openLogged({ extensions: [See] })
    const article = await dataSource.manager.save(make(Article, { title: 'x', tags: [] }))
    await dataSource.manager.save(Object.assign(article, { tags: [make(Tag, { name: 'new' })] }))
    await dataSource.manager.save(article)
    expect(seen).toEqual([['Article', true, {}]])
  })

  // problem 15
  it('a hook for every entity gets an entity, whatever is written', async () => {
    const seen: string[] = []
    const note = (hook: string) => (entity: object) => void seen.push(`${hook} ${entity.constructor.name}`)
    class All extends SessionExtension {
      override beforeInsert = note('insert')
      override beforeUpdate = note('update')
      override beforeDelete = note('delete')
    }
    const { dataSource } = await openLogged({ extensions: [All] })
    const article = make(Article, { title: 'x', tags: [make(Tag, { name: 't' })], comments: [make(Comment, { text: 'c' })] })
    await dataSource.manager.save(article)
    await dataSource.manager.save(Object.assign(article, { tags: [], comments: [] }))
    expect(seen.slice(0, 3).sort()).toEqual(['insert Article', 'insert Comment', 'insert Tag'])
    expect(seen.slice(3).sort()).toEqual(['update Article', 'update Comment'])
  })

  // problem 16
  it('afterDelete knows the key', async () => {
    const keys: unknown[] = []
    class See extends SessionExtension {
      override afterDelete(_entity: object, { key }: EntityState) {
        keys.push(key)
      }
    }
    const { dataSource } = await openLogged({ extensions: [See] })
    const ann = await dataSource.manager.save(author('Ann'))
    const { id } = ann
    await dataSource.transaction(async (manager) => {
      await manager.remove(ann)
      keys.push(sessionOf(manager).journal[0]!.key)
    })
    expect(keys).toEqual([{ id }, { id }])
  })
})
