/** A session that goes on after its commit, audited transaction by transaction. */
import { openSession } from 'flushpoint'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openAudit, toldBy, trailOf } from '../../support/audit.js'
import { closeDataSources, describeDatabase } from '../../support/databases.js'
import { ENTITIES, make, Tag } from '../../support/models.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describeDatabase('an own session of many transactions', () => {
  afterEach(closeDataSources)

  it('is audited on when what it has told is garbage', async () => {
    const dataSource = await openAudit(undefined, { entities: ENTITIES })
    await using session = openSession(dataSource)
    session.add(make(Tag, { name: 'a' }), make(Tag, { name: 'b' }))
    await session.flush()
    await session.begin()
    session.add(make(Tag, { name: 'lost' }))
    await session.flush()
    await session.rollback()
    session.clear()
    await setImmediate()
    collectGarbage()
    session.add(make(Tag, { name: 'c' }))
    await session.flush()
    expect((await trailOf(dataSource)).map(({ changes }) => changes['name']!.to)).toEqual(['a', 'b', 'c'])
  })

  it('is audited on when what was rolled back after it was told is garbage', async () => {
    const dataSource = await openAudit(undefined, { entities: ENTITIES })
    await using session = openSession(dataSource)
    await session.begin()
    session.add(make(Tag, { name: 'a' }), make(Tag, { name: 'b' }))
    session.onBeforeCommit(() => session.onBeforeCommit(() => Promise.reject(new Error('no'))))
    await expect(session.commit()).rejects.toThrow('no')
    await session.rollback()
    session.clear()
    await setImmediate()
    collectGarbage()
    session.add(make(Tag, { name: 'c' }))
    await session.flush()
    expect((await toldBy(dataSource)).map((line) => line.replace(/\d+/, '…'))).toEqual(['insert Tag {"id":…} name'])
  })

  it('has an id for each save that its manager makes without a transaction', async () => {
    const dataSource = await openAudit(undefined, { entities: ENTITIES })
    await using session = openSession(dataSource)
    await session.manager.save(make(Tag, { name: 'a' }), { transaction: false })
    await session.manager.save(make(Tag, { name: 'b' }), { transaction: false })
    const ids = (await trailOf(dataSource)).map(({ transaction_id }) => transaction_id)
    expect([ids.length, new Set(ids).size]).toEqual([2, 2])
  })
})
