/** Writes without a transaction of their own, and statements by query. */
import { openSession } from 'flushpoint'
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm'
import { openAudit, stepsOf, toldBy, trailOf } from '../../support/audit.js'
import { errorOf } from '../../support/chains.js'
import { closeDataSources, describeDatabase, recordStatements } from '../../support/databases.js'
import { Article, ENTITIES, make, Note, Tag } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

@Entity()
class Page {
  @PrimaryGeneratedColumn() id: number
  @Column('text') body: string
}

describeDatabase('a save that is to have no transaction', () => {
  afterEach(closeDataSources)

  it('is refused before anything is sent', async () => {
    const dataSource = await openAudit(undefined, { entities: ENTITIES })
    const recording = recordStatements(dataSource)
    const error = await errorOf(dataSource.manager.save(make(Tag, { name: 'a' }), { transaction: false }))
    expect([error.code, stepsOf(recording)]).toEqual(['AUDIT_WITHOUT_TRANSACTION', []])
    expect(await dataSource.manager.count(Tag)).toBe(0)
  })

  it('is audited inside of a transaction', async () => {
    const dataSource = await openAudit(undefined, { entities: ENTITIES })
    await dataSource.transaction((manager) => manager.save(make(Tag, { name: 'a' }), { transaction: false }))
    expect(await toldBy(dataSource)).toEqual(['insert Tag {"id":1} name'])
  })

  it('of the manager of an own session is audited right after it', async () => {
    const dataSource = await openAudit(undefined, { entities: ENTITIES })
    const session = openSession(dataSource)
    await session.manager.save(make(Tag, { name: 'a' }), { transaction: false })
    await session.close()
    expect(await toldBy(dataSource)).toEqual(['insert Tag {"id":1} name'])
  })

  it('goes through where nobody audits its entity', async () => {
    const dataSource = await openAudit({ except: [Tag] }, { entities: ENTITIES })
    await dataSource.manager.save(make(Tag, { name: 'a' }), { transaction: false })
    expect([await dataSource.manager.count(Tag), await toldBy(dataSource)]).toEqual([1, []])
  })
})

describeDatabase('a trail that takes several statements', () => {
  afterEach(closeDataSources)

  it('is written once where one of them fails and the commit is tried once more', async () => {
    const dataSource = await openAudit(undefined, { entities: [Page] })
    const runner = dataSource.createQueryRunner()
    await runner.startTransaction()
    const pages = Array.from({ length: 100 }, (_, index) => make(Page, { body: `${index} ${'"'.repeat(50_000)}` }))
    await runner.manager.save(pages)
    const { query } = runner
    let audits = 0
    const failing = jest.spyOn(runner, 'query').mockImplementation((async (...args: Parameters<typeof query>) => {
      if (args[0].includes('INSERT INTO') && args[0].includes('audit_entry') && ++audits === 2) throw new Error('no')
      return query.apply(runner, args)
    }) as typeof query)
    expect((await errorOf(runner.commitTransaction())).message).toBe('no')
    await runner.commitTransaction()
    failing.mockRestore()
    await runner.release()
    expect((await trailOf(dataSource)).map(({ key }) => key['id'])).toEqual(pages.map(({ id }) => id))
    expect(audits).toBeGreaterThan(3)
  })
})

describeWays('statements by query', (way) => {
  afterEach(closeDataSources)

  it('are not audited unless that was asked for', async () => {
    const dataSource = await openAudit(undefined, { entities: ENTITIES })
    const recording = recordStatements(dataSource)
    await way.manager(dataSource, (manager) => manager.insert(Tag, { name: 'a' }))
    expect([await trailOf(dataSource), stepsOf(recording)[0]]).toEqual([
      [],
      way.pick({ ambient: 'write', session: 'write', block: 'BEGIN' }),
    ])
  })

  it('are audited row by row where it was, in one transaction with them', async () => {
    const dataSource = await openAudit({ bulk: true }, { entities: ENTITIES })
    const recording = recordStatements(dataSource)
    await way.manager(dataSource, async (manager) => {
      await manager.insert(Tag, [{ name: 'a' }, { name: 'b' }])
    })
    expect(stepsOf(recording)).toEqual(['BEGIN', 'write', 'audit', 'COMMIT'])
    await way.manager(dataSource, (manager) => manager.update(Tag, { name: 'a' }, { name: 'c' }))
    await way.manager(dataSource, (manager) => manager.delete(Tag, { name: 'b' }))
    const trail = await trailOf(dataSource)
    expect(trail.map(({ operation, key, changes }) => [operation, key['id'], changes])).toEqual([
      ['insert', 1, { name: { to: 'a' } }],
      ['insert', 2, { name: { to: 'b' } }],
      ['update', 1, { name: { from: 'a', to: 'c' } }],
      ['delete', 2, { name: { from: 'b' } }],
    ])
  })

  it('are audited as soft removal and recovery', async () => {
    const dataSource = await openAudit({ bulk: true }, { entities: ENTITIES })
    await way.seed(dataSource, make(Note, { text: 'a' }))
    await way.manager(dataSource, (manager) => manager.softDelete(Note, { text: 'a' }))
    await way.manager(dataSource, (manager) => manager.restore(Note, { text: 'a' }))
    expect((await trailOf(dataSource)).map(({ operation }) => operation)).toEqual(['softRemove', 'recover'])
  })

  it('whose rows cannot be told run, and are not audited', async () => {
    const dataSource = await openAudit({ bulk: true }, { entities: ENTITIES })
    await way.manager(dataSource, (manager) => manager.createQueryBuilder().insert().into(Tag).values({ name: 'a' }).orIgnore().execute())
    expect([await dataSource.manager.count(Tag), await trailOf(dataSource)]).toEqual([1, []])
  })

  it('of entities that are not audited are left alone', async () => {
    const dataSource = await openAudit({ bulk: true, only: [Article] }, { entities: ENTITIES })
    const recording = recordStatements(dataSource)
    await dataSource.manager.insert(Tag, { name: 'a' })
    expect(stepsOf(recording)).toEqual(['write'])
  })
})
