/**
 * ChangeCache in a session that goes on after its commit.
 *
 * @module
 */
import { openSession, sessionSubscriber } from 'flushpoint'
import { ChangeCache, type ChangeRecord } from 'flushpoint/extensions'
import { Keyv } from 'keyv'
import type { DataSource } from 'typeorm'
import { errorOf } from '../../support/chains.js'
import { namesOf, recordsIn } from '../../support/change-records.js'
import { closeDataSources, describeDatabase, openOnUsedTables } from '../../support/databases.js'
import { Article, Comment, ENTITIES, make } from '../../support/models.js'
import { messagesOf, openOutbox } from '../../support/outbox.js'

/** Commits nothing but looks at what is around an article, then deletes that once its comment is gone. */
async function deleteAfterLooking(dataSource: DataSource): Promise<void> {
  await using session = openSession(dataSource)
  const article = make(Article, { title: 'A' })
  const comment = make(Comment, { text: 'c', article })
  session.add(article, comment)
  await session.flush()
  await session.begin()
  const undone = session.transaction(async () => {
    session.delete(article)
    await session.flush()
    throw new Error('no')
  })
  expect((await errorOf(undone)).message).toBe('no')
  await session.commit()
  session.clear()
  await dataSource.manager.delete(Comment, comment.id)
  session.delete(await session.getOrFail(Article, article.id))
  await session.flush()
}

describeDatabase('an own session of many transactions', () => {
  afterEach(closeDataSources)

  it('records of each what was around its rows then, and not what had been in an earlier one', async () => {
    const cache = new Keyv()
    const extensions = [ChangeCache.with({ cache })]
    const dataSource = await openOnUsedTables({ entities: ENTITIES, subscribers: [sessionSubscriber({ extensions })] })
    await deleteAfterLooking(dataSource)
    expect((await recordsIn(cache)).map((record) => namesOf(record).deleted)).toEqual([[], ['Article 1']])
  })

  it('does so behind an outbox, too', async () => {
    const cache = new Keyv()
    const dataSource = await openOutbox({}, { entities: ENTITIES, around: (outbox) => [ChangeCache.with({ cache }), outbox] })
    await deleteAfterLooking(dataSource)
    const records = (await messagesOf(dataSource)).map(({ payload }) => (payload as { record: ChangeRecord }).record)
    expect(records.map((record) => namesOf(record).deleted)).toEqual([[], ['Article 1']])
  })
})
