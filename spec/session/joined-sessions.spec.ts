/**
 * A session opened inside a transaction of the only connection there is.
 *
 * @module
 */
import { openSession, withSession, type Change } from 'flushpoint'
import { isSingleConnection, openDataSource, recordStatements } from '../support/databases.js'
import { ENTITIES, make, Tag } from '../support/models.js'

const describeSingle = isSingleConnection() ? describe : describe.skip

async function open() {
  const dataSource = await openDataSource({ entities: ENTITIES })
  await openSession(dataSource).close()
  const names = async () => (await dataSource.manager.find(Tag, { order: { id: 'ASC' } })).map(({ name }) => name)
  return { dataSource, names }
}

describeSingle('a session inside a transaction of a single connection', () => {
  it('is a savepoint of it, which is undone alone', async () => {
    const { dataSource, names } = await open()
    const recording = recordStatements(dataSource)
    await withSession(dataSource, async (outer) => {
      outer.add(make(Tag, { name: 'outer' }))
      await outer.flush()
      await withSession(dataSource, async (inner) => inner.add(make(Tag, { name: 'inner' })))
      const failing = withSession(dataSource, async (inner) => {
        inner.add(make(Tag, { name: 'undone' }))
        await inner.flush()
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      outer.add(make(Tag, { name: 'last' }))
    })
    expect(recording.sql().map((sql) => sql.split('(')[0]!.trim())).toEqual([
      'BEGIN TRANSACTION',
      'INSERT INTO "tag"',
      'SAVEPOINT typeorm_1',
      'INSERT INTO "tag"',
      'RELEASE SAVEPOINT typeorm_1',
      'SAVEPOINT typeorm_1',
      'INSERT INTO "tag"',
      'ROLLBACK TO SAVEPOINT typeorm_1',
      'INSERT INTO "tag"',
      'COMMIT',
    ])
    expect(await names()).toEqual(['outer', 'inner', 'last'])
  })

  it('tells what it committed once the transaction around it has', async () => {
    const { dataSource } = await open()
    const told: string[] = []
    const telling = (changes: readonly Change[]) => void told.push(`${changes.length} committed`)
    await dataSource.transaction(async () => {
      await withSession(dataSource, async (inner) => {
        inner.add(make(Tag, { name: 'inner' }))
        await inner.flush()
        inner.onCommit(telling)
      })
      told.push('released')
    })
    expect(told).toEqual(['released', '1 committed'])
  })

  it('is undone with the transaction around it, objects included', async () => {
    const { dataSource, names } = await open()
    await using inner = openSession(dataSource)
    const tag = make(Tag, { name: 'kept' })
    inner.add(tag)
    await inner.flush()
    const told: string[] = []
    const failing = dataSource.transaction(async () => {
      const joined = openSession(dataSource)
      const loaded = await joined.getOrFail(Tag, tag.id)
      loaded.name = 'changed'
      joined.add(make(Tag, { name: 'new' }))
      await joined.begin()
      joined.onRollback((changes) => void told.push(`${changes.length} undone`))
      await joined.commit()
      expect(await names()).toEqual(['changed', 'new'])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(told).toEqual(['2 undone'])
    expect(await names()).toEqual(['kept'])
  })

  it('takes its turn beside others in the same transaction', async () => {
    const { dataSource, names } = await open()
    await withSession(dataSource, async (outer) => {
      outer.add(make(Tag, { name: 'outer' }))
      await outer.flush()
      const tasks = ['a', 'b', 'c', 'd'].map((name, index) =>
        withSession(dataSource, async (inner) => {
          inner.add(make(Tag, { name }))
          await inner.flush()
          if (index % 2 === 1) throw new Error(name)
        }).catch(() => undefined),
      )
      await Promise.all(tasks)
      await dataSource.manager.save(make(Tag, { name: 'global' }))
    })
    expect(await names()).toEqual(['outer', 'a', 'c', 'global'])
  })
})
