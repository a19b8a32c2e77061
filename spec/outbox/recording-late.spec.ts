/** What is told when the transaction is all but over: after the commit, while it is on its way, and before another try. */
import { sessionOf, withSession } from 'flushpoint'
import { track } from 'flushpoint/events'
import { EventSubscriber, type EntitySubscriberInterface } from 'typeorm'
import { errorOf, sessionExtension } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { delivered, gate, noted } from '../support/events.js'
import { once } from '../support/hooks.js'
import { ENTITIES, make, Tag } from '../support/models.js'
import { isStoring, messagesOf, openOutbox, toldTo, type OutboxOpening } from '../support/outbox.js'

const tag = (name: string) => make(Tag, { name })
const open = (extra?: OutboxOpening) => openOutbox({}, { entities: ENTITIES, ...extra })
const told = (...texts: string[]) => texts.map((text) => `test.noted ${text}`)

describeDatabase('what is told late', () => {
  it('by a hook after the commit is stored by a transaction of its own', async () => {
    const telling = sessionExtension({ afterCommit: once(() => track(noted('late'))) as never })
    const dataSource = await open({ around: (outbox) => [telling, outbox] })
    await withSession(dataSource, async (session) => {
      session.onCommit(() => track(noted('later')))
      session.add(tag('red'))
      track(noted('in time'))
    })
    await delivered()
    expect(await toldTo(dataSource)).toEqual(told('in time', 'late', 'later'))
  })

  it('by code that has outlived its transaction goes with the outcome of that', async () => {
    const dataSource = await open()
    const over = gate()
    const behind: Promise<unknown>[] = []
    const leave = (text: string) => void behind.push(over.opened.then(() => track(noted(text))))
    await dataSource.transaction(async (manager) => {
      await manager.save(tag('red'))
      leave('committed')
    })
    await errorOf(
      dataSource.transaction(async (manager) => {
        await manager.save(tag('blue'))
        leave('rolled back')
        throw new Error('no')
      }),
    )
    over.open()
    await Promise.all(behind)
    await delivered()
    expect(await toldTo(dataSource)).toEqual(told('committed'))
  })

  it('while COMMIT is on its way is stored all the same', async () => {
    @EventSubscriber()
    class Late implements EntitySubscriberInterface {
      beforeTransactionCommit() {
        if (isOn) track(noted('late'), { session: sessionOf(runner) })
      }
    }
    let isOn = false
    const dataSource = await open()
    dataSource.subscribers.push(new Late())
    const runner = dataSource.createQueryRunner()
    await runner.startTransaction()
    await runner.manager.save(tag('red'))
    track(noted('in time'), { session: sessionOf(runner) })
    isOn = true
    await runner.commitTransaction()
    isOn = false
    await runner.release()
    await delivered()
    expect(await toldTo(dataSource)).toEqual(told('in time', 'late'))
  })

  it('is nothing while COMMIT is on its way and fails', async () => {
    @EventSubscriber()
    class Failing implements EntitySubscriberInterface {
      beforeTransactionCommit() {
        if (!isOn) return
        track(noted('late'), { session: sessionOf(runner) })
        throw new Error('no')
      }
    }
    let isOn = false
    const dataSource = await open()
    dataSource.subscribers.push(new Failing())
    const runner = dataSource.createQueryRunner()
    await runner.startTransaction()
    await runner.manager.save(tag('red'))
    isOn = true
    await errorOf(runner.commitTransaction())
    isOn = false
    await runner.rollbackTransaction()
    await runner.release()
    await delivered()
    expect(await messagesOf(dataSource)).toEqual([])
  })

  it('is stored by another try to commit where the first could not store it', async () => {
    const dataSource = await open()
    const runner = dataSource.createQueryRunner()
    await runner.startTransaction()
    await runner.manager.save(tag('red'))
    track(noted('a'), { session: sessionOf(runner) })
    const query = runner.query.bind(runner)
    const failing = jest.spyOn(runner, 'query').mockImplementation((...args: Parameters<typeof query>) => {
      if (isStoring({ sql: args[0], parameters: [] })) return Promise.reject(new Error('busy'))
      return query(...args)
    })
    expect(await errorOf(runner.commitTransaction())).toMatchObject({ message: 'busy' })
    failing.mockRestore()
    track(noted('b'), { session: sessionOf(runner) })
    await runner.commitTransaction()
    await runner.release()
    expect(await toldTo(dataSource)).toEqual(told('a', 'b'))
  })
})
