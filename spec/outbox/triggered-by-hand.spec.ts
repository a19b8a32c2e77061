/** What is triggered in a transaction begun by hand, where the session is named. */
import { openSession, sessionOf } from 'flushpoint'
import { batchEvents, enablePluginEvents, triggerEvent } from 'flushpoint/events'
import { errorOf } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { messagesOf, openOutbox } from '../support/outbox.js'

describeDatabase('what is triggered in a transaction begun by hand', () => {
  beforeEach(() => enablePluginEvents(true))
  afterEach(() => enablePluginEvents(false))

  const idsIn = async (dataSource: Parameters<typeof messagesOf>[0]) =>
    (await messagesOf(dataSource)).map(({ payload }) => (payload as { id: number }).id)

  it('is stored with the commit of the query runner whose session is named, and gone with its rollback', async () => {
    const dataSource = await openOutbox()
    const runner = dataSource.createQueryRunner()
    for (const [id, end] of [
      [1, 'commitTransaction'],
      [2, 'rollbackTransaction'],
      [3, 'commitTransaction'],
    ] as const) {
      await runner.startTransaction()
      triggerEvent('test.event', { id }, { session: sessionOf(runner) })
      await runner[end]()
    }
    await runner.release()
    expect(await idsIn(dataSource)).toEqual([1, 3])
  })

  it('goes with the session that is named, also inside of a batch', async () => {
    const dataSource = await openOutbox()
    await using session = openSession(dataSource)
    await session.begin()
    await errorOf(
      batchEvents(async () => {
        triggerEvent('test.event', { id: 1 }, { session })
        throw new Error('mine')
      }),
    )
    await session.commit()
    expect(await idsIn(dataSource)).toEqual([1])
  })

  it('is refused where the session that is named is over', async () => {
    const dataSource = await openOutbox()
    const session = openSession(dataSource)
    await session.close()
    expect(await errorOf(() => triggerEvent('test.event', { id: 1 }, { session }))).toMatchObject({ code: 'SESSION_CLOSED' })
    expect(await idsIn(dataSource)).toEqual([])
  })
})
