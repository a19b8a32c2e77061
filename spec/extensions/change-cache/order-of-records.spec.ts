/**
 * ChangeCache: records are in the order of the commits, and as fresh as these.
 *
 * @module
 */
import { sessionSubscriber, withSession, type SessionExtensionInput } from 'flushpoint'
import { ChangeCache } from 'flushpoint/extensions'
import { Keyv } from 'keyv'
import { sessionExtension } from '../../support/chains.js'
import { recordsIn } from '../../support/change-records.js'
import { closeDataSources, isSingleConnection, openOnUsedTables } from '../../support/databases.js'
import { Author, ENTITIES, make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

const listening = (cache: Keyv, ...[before, after]: (SessionExtensionInput | undefined)[]) => {
  const extensions = [before ?? [], ChangeCache.with({ cache }), after ?? []].flat() as SessionExtensionInput[]
  return openOnUsedTables({ entities: ENTITIES, subscribers: [sessionSubscriber({ extensions })] })
}

describeWays('records of several commits', (way) => {
  afterEach(closeDataSources)

  it('are in their order, also where an earlier extension takes its time after the first', async () => {
    const cache = new Keyv()
    let committed = () => {}
    let release = () => {}
    const isCommitted = new Promise<void>((resolve) => (committed = resolve))
    const free = new Promise<void>((resolve) => (release = resolve))
    let isFirst = true
    const Slow = sessionExtension({
      async afterCommit() {
        if (!isFirst) return
        isFirst = false
        committed()
        await free
      },
    })
    const dataSource = await listening(cache, Slow)
    const first = way.save(dataSource, make(Author, { name: 'first' }))
    await isCommitted
    await way.save(dataSource, make(Author, { name: 'second' }))
    release()
    await first
    expect((await recordsIn(cache)).map(({ created }) => created[0]!.obj_as_str)).toEqual(['first', 'second'])
  })

  it('have what was written last, also where something is written very late', async () => {
    const cache = new Keyv()
    let isLate = false
    const Late = sessionExtension({
      beforeCommit() {
        if (isLate) return
        isLate = true
        const { session } = this
        const deep = (left: number): void => session.onBeforeCommit(() => (left > 0 ? deep(left - 1) : later()))
        const later = async () => {
          const author = await session.manager.findOneByOrFail(Author, { name: 'early' })
          await session.manager.save(Object.assign(author, { name: 'late' }))
        }
        deep(3)
      },
    })
    const dataSource = await listening(cache, undefined, Late)
    await way.save(dataSource, make(Author, { name: 'early' }))
    const [{ name }] = (await dataSource.manager.find(Author)) as [Author]
    expect(name).toBe('late')
    expect(await recordsIn(cache)).toMatchObject([{ created: [{ obj_as_str: 'late' }] }])
  })
})

const describeSingle = isSingleConnection() ? describe : describe.skip

describeSingle('records of a session inside a transaction of a single connection', () => {
  afterEach(closeDataSources)

  it('end with what the transaction around it has written last', async () => {
    const cache = new Keyv()
    const dataSource = await listening(cache)
    await dataSource.transaction(async (manager) => {
      const author = await manager.save(make(Author, { name: 'outer' }))
      await withSession(dataSource, async (inner) => {
        const same = await inner.getOrFail(Author, author.id)
        same.name = 'inner'
      })
      author.name = 'last'
      await manager.save(author)
    })
    const last = (await recordsIn(cache)).at(-1)!
    expect([...last.created, ...last.updated].map(({ obj_as_str }) => obj_as_str)).toEqual(['last'])
  })
})
