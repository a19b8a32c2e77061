/**
 * The DataSource's own manager inside a transaction: native, join or refuse, alike on all databases but for `native`.
 *
 * @module
 */
import { SessionExtension, sessionOf, trySessionOf, type InstallOptions } from 'flushpoint'
import { BaseEntity, Column, Entity, PrimaryGeneratedColumn } from 'typeorm'
import { closeAll, describeDatabase, isSingleConnection, recordStatements } from '../support/databases.js'
import { Author, ENTITIES, make, Tag } from '../support/models.js'
import { errorOf, namesOf, openLogged } from '../support/transaction-log.js'

@Entity()
class Person extends BaseEntity {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

const open = (options: InstallOptions) => openLogged(options, { entities: [...ENTITIES, Person] })
const person = (name: string) => make(Person, { name })

describeDatabase("globalManager: 'join'", () => {
  afterEach(closeAll)

  it('takes saves, repositories, query builders and raw queries of the data source into the transaction', async () => {
    const { dataSource, lines } = await open({ globalManager: 'join' })
    const authors = dataSource.getRepository(Author)
    const work = dataSource.transaction(async () => {
      await authors.save(make(Author, { name: 'Ann' }))
      await dataSource.manager.save(make(Tag, { name: 'new' }))
      await dataSource.createQueryBuilder().insert().into(Author).values({ name: 'Bea' }).execute()
      const rows = await dataSource.query<{ count: unknown }[]>('SELECT COUNT(*) AS count FROM author')
      expect(Number(rows[0]!.count)).toBe(2)
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(lines).toEqual(['begin transaction 1', 'rollback transaction 1: insert Ann, insert new'])
    expect(await namesOf(dataSource, Author)).toEqual([])
  })

  it('takes entity.save() of active records in', async () => {
    const { dataSource, lines } = await open({ globalManager: 'join' })
    Person.useDataSource(dataSource)
    await dataSource.transaction(async () => {
      await person('Ann').save()
      await person('Bea').save()
    })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Ann, insert Bea'])
  })

  it('makes a global transaction a nested one', async () => {
    const { dataSource, lines } = await open({ globalManager: 'join' })
    await dataSource.transaction(async () => {
      await errorOf(dataSource.transaction((inner) => inner.save(make(Tag, { name: 'x' })).then(() => Promise.reject(new Error('no')))))
      await dataSource.manager.transaction((inner) => inner.save(make(Tag, { name: 'y' })))
    })
    expect(lines).toEqual([
      'begin transaction 1',
      'begin savepoint 2',
      'rollback savepoint 2: insert x',
      'begin savepoint 2',
      'beforeCommit',
      'commit: insert y',
    ])
  })

  it('finds the session from the global manager and its repositories, inside only', async () => {
    const { dataSource } = await open({ globalManager: 'join' })
    await dataSource.transaction((manager) => {
      expect(sessionOf(dataSource.manager)).toBe(sessionOf(manager))
      expect(sessionOf(dataSource.getRepository(Author))).toBe(sessionOf(manager))
      return Promise.resolve()
    })
    expect(trySessionOf(dataSource.manager)).toBeUndefined()
    expect(() => sessionOf(dataSource.manager)).toThrow(expect.objectContaining({ code: 'SESSION_NOT_FOUND' }))
  })

  it('joins from inside a hook', async () => {
    class Companion extends SessionExtension {
      override async afterInsert(entity: object) {
        if (entity instanceof Author) await this.session.dataSource.manager.save(make(Tag, { name: `for ${entity.name}` }))
      }
    }
    const { dataSource, lines } = await open({ globalManager: 'join', extensions: [Companion] })
    await dataSource.manager.save(make(Author, { name: 'Ann' }))
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Ann, insert for Ann'])
  })

  it('ends with the transaction: what runs on afterwards works by itself', async () => {
    const { dataSource, lines } = await open({ globalManager: 'join' })
    let later!: Promise<unknown>
    let finish!: () => void
    const finished = new Promise<void>((resolve) => (finish = resolve))
    await dataSource.transaction(() => {
      later = finished.then(() => dataSource.manager.save(make(Tag, { name: 'late' })))
      return Promise.resolve()
    })
    finish()
    await later
    expect(lines.slice(-3)).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert late'])
  })

  it('keeps neighbours out: a concurrent request has its own transaction', async () => {
    const { dataSource, lines } = await open({ globalManager: 'join' })
    const request = (name: string, fails: boolean) =>
      dataSource.transaction(async () => {
        await dataSource.manager.save(make(Author, { name }))
        if (fails) throw new Error('no')
      })
    await Promise.allSettled([request('Ann', false), request('Bea', true), request('Cid', false)])
    expect(lines.filter((line) => /^(commit|rollback)/.test(line)).sort()).toEqual([
      'commit: insert Ann',
      'commit: insert Cid',
      'rollback transaction 1: insert Bea',
    ])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Cid'])
  })
})

describeDatabase("globalManager: 'refuse'", () => {
  afterEach(closeAll)

  it('throws at every use of the global manager inside a transaction, and leaves that usable', async () => {
    const { dataSource, lines } = await open({ globalManager: 'refuse' })
    Person.useDataSource(dataSource)
    await dataSource.transaction(async (manager) => {
      const refused = expect.objectContaining({ code: 'GLOBAL_MANAGER_REFUSED', name: 'TransactionError' }) as unknown
      const uses = [
        () => dataSource.manager.save(make(Tag, { name: 'x' })),
        () => person('Ann').save(),
        () => dataSource.getRepository(Author).find(),
        () => dataSource.createQueryBuilder().delete().from(Author).execute(),
        () => dataSource.transaction(() => Promise.resolve()),
        () => dataSource.query('SELECT 1'),
      ]
      for (const use of uses) expect(await errorOf(Promise.resolve().then(use))).toEqual(refused)
      await manager.save(make(Author, { name: 'Ann' }))
    })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Ann'])
  })

  it('throws inside hooks, and not outside', async () => {
    const errors: unknown[] = []
    class Stray extends SessionExtension {
      override async beforeInsert() {
        errors.push(await errorOf(Promise.resolve().then(() => this.session.dataSource.manager.find(Tag))))
      }
    }
    const { dataSource } = await open({ globalManager: 'refuse', extensions: [Stray] })
    await dataSource.manager.save(make(Author, { name: 'Ann' }))
    expect(errors).toEqual([expect.objectContaining({ code: 'GLOBAL_MANAGER_REFUSED' })])
    expect(await dataSource.manager.count(Author)).toBe(1)
  })
})

describeDatabase("globalManager: 'native', the default", () => {
  afterEach(closeAll)

  it('does what TypeORM does: joins on a single connection, stays outside on a pooled database', async () => {
    const { dataSource, lines } = await open({})
    Person.useDataSource(dataSource)
    const work = dataSource.transaction(async (manager) => {
      await manager.save(make(Author, { name: 'inside' }))
      await person('Ann').save()
      await dataSource.getRepository(Author).save(make(Author, { name: 'global' }))
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await namesOf(dataSource, Author)).toEqual(isSingleConnection() ? [] : ['global'])
    expect(await namesOf(dataSource, Person)).toEqual(isSingleConnection() ? [] : ['Ann'])
    expect(lines.at(-1)).toBe(
      isSingleConnection() ? 'rollback transaction 1: insert inside, insert Ann, insert global' : 'rollback transaction 1: insert inside',
    )
  })

  it('sends one BEGIN only when a global save joins on a single connection', async () => {
    const { dataSource } = await open({})
    const recording = recordStatements(dataSource)
    await dataSource.transaction(() => dataSource.manager.save(make(Author, { name: 'Ann' })))
    expect(recording.sql().filter((sql) => /^(BEGIN|START)/.test(sql))).toHaveLength(isSingleConnection() ? 1 : 2)
  })
})
