/**
 * Shows subscribers of others beside flushpoint, decorated or pushed: all of them keep working, in their place of the order, find the
 * session from their event, and cannot turn a commit into an error.
 */
import { EventSubscriber, type DataSource, type EntitySubscriberInterface, type InsertEvent, type TransactionCommitEvent } from 'typeorm'
import { sessionOf, sessionSubscriber, trySessionOf } from 'flushpoint'
import { closeAll, describeDatabase, openDataSource } from '../support/databases.js'
import { Book, recordHooks, titlesIn, type HookLog } from './support.js'

let lines: string[] = []

@EventSubscriber()
class Decorated implements EntitySubscriberInterface<Book> {
  listenTo() {
    return Book
  }
  async beforeInsert(event: InsertEvent<Book>) {
    await Promise.resolve()
    lines.push(`decorated beforeInsert ${event.entity.title}`)
  }
  async afterInsert(event: InsertEvent<Book>) {
    await Promise.resolve()
    lines.push(`decorated afterInsert ${event.entity.title}`)
  }
}

const pushed: EntitySubscriberInterface<Book> = {
  beforeInsert: (event) => void lines.push(`pushed beforeInsert ${event.entity.title}`),
  afterInsert: (event) => void lines.push(`pushed afterInsert ${event.entity!.title}`),
}

describeDatabase('subscribers of others', () => {
  let dataSource: DataSource
  let log: HookLog
  const place = sessionSubscriber({ extensions: [(session) => (log.extension as (s: typeof session) => never)(session)] })
  beforeEach(() => {
    log = recordHooks()
    lines = log.lines
  })
  afterEach(() => dataSource.destroy())
  afterAll(closeAll)

  // the decorated one takes a turn longer, and is still waited for
  it.each([
    ['after', () => [place, Decorated]],
    ['before', () => [Decorated, place]],
  ])('run in one place of the order, listed %s flushpoint', async (_where, subscribers) => {
    dataSource = await openDataSource({ entities: [Book], subscribers: subscribers() })
    dataSource.subscribers.push(pushed)
    await dataSource.manager.save(Book.of('Dune'))
    expect(lines).toEqual([
      'afterBegin transaction',
      'beforeFlush Dune',
      'pushed beforeInsert Dune',
      'decorated beforeInsert Dune',
      'S.beforeInsert Dune',
      'M.beforeInsert Dune',
      'M.afterInsert Dune',
      'S.afterInsert Dune',
      'pushed afterInsert Dune',
      'decorated afterInsert Dune',
      'afterFlush',
      'beforeCommit',
      'afterCommit insert:Dune',
    ])
  })

  it('find the session from manager and runner of their event', async () => {
    dataSource = await openDataSource({ entities: [Book], subscribers: [place] })
    const found: boolean[] = []
    dataSource.subscribers.push({
      beforeInsert: ({ manager, queryRunner }) => void found.push(sessionOf(manager) === sessionOf(queryRunner)),
      beforeTransactionCommit: ({ manager, queryRunner }) => void found.push(sessionOf(manager) === sessionOf(queryRunner)),
      afterTransactionCommit: ({ manager }: TransactionCommitEvent) => void found.push(trySessionOf(manager) === undefined),
    })
    await dataSource.transaction((manager) => manager.save(Book.of('Dune')))
    expect(found.slice(0, 2)).toEqual([true, true])
  })

  it('write with the manager of their event in the same transaction, as a flush of its own', async () => {
    dataSource = await openDataSource({ entities: [Book], subscribers: [place] })
    dataSource.subscribers.push({
      afterInsert: async ({ entity, manager }: InsertEvent<Book>) => {
        if (entity.title === 'Dune') await manager.save(Book.of('Dune Messiah'))
      },
    })
    await dataSource.manager.save(Book.of('Dune'))
    expect(lines.filter((line) => line.startsWith('beforeFlush'))).toEqual(['beforeFlush Dune', 'beforeFlush Dune Messiah'])
    expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterCommit insert:Dune,insert:Dune Messiah'])
  })

  it('veto a write, and afterRollback tells it', async () => {
    dataSource = await openDataSource({ entities: [Book], subscribers: [place] })
    const veto = new Error('not for sale')
    dataSource.subscribers.push({
      afterInsert: ({ entity }: InsertEvent<Book>) => {
        if (entity.title === 'Emma') throw veto
      },
    })
    await expect(dataSource.manager.save([Book.of('Dune'), Book.of('Emma')])).rejects.toBe(veto)
    expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterRollback transaction insert:Dune,insert:Emma'])
    expect(await titlesIn(dataSource)).toEqual([])
  })

  it('cannot turn a commit into an error', async () => {
    dataSource = await openDataSource({ entities: [Book], subscribers: [place] })
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation()
    dataSource.subscribers.push({ afterTransactionCommit: () => Promise.reject(new Error('mail server down')) })
    await dataSource.transaction((manager) => manager.save(Book.of('Dune')))
    expect(log.outcomes()).toEqual(['afterBegin transaction', 'afterCommit insert:Dune'])
    expect(warn.mock.calls.map(([message]) => message)).toEqual([expect.stringContaining('mail server down')])
    warn.mockRestore()
  })
})
