/** What is done for a message is done once, and in the same transaction as the note of it. */
import { sessionOf, withSession } from 'flushpoint'
import { once, outboxEntities } from 'flushpoint/outbox'
import { DataSource, type EntityManager } from 'typeorm'
import { errorOf, log, sessionLog } from '../support/chains.js'
import { databaseName, dataSourceOptions, describeDatabase, isSingleConnection, openDataSource } from '../support/databases.js'
import { gate } from '../support/events.js'
import { Article, ENTITIES, make } from '../support/models.js'
import { openOutbox } from '../support/outbox.js'

const MESSAGE = { consumer: 'billing', messageId: '0190f2c4-1c5e-7000-8000-000000000001' }
const save = (title: string) => (manager: EntityManager) => manager.save(make(Article, { title }))

/** What is noted, as `billing 7`. */
async function notedIn(dataSource: DataSource): Promise<string[]> {
  const rows = await dataSource.query<{ consumer: string; message_id: string }[]>('SELECT consumer, message_id FROM inbox_message')
  return rows.map((row) => `${row.consumer} ${row.message_id}`).sort()
}

const titlesIn = async (dataSource: DataSource) => (await dataSource.getRepository(Article).find()).map(({ title }) => title).sort()

describeDatabase('once', () => {
  let dataSource: DataSource
  beforeEach(async () => void (dataSource = await openOutbox({}, { entities: ENTITIES })))

  it('does the first time what it was asked to, and notes it', async () => {
    const answer = await once(dataSource, MESSAGE, async (manager) => (await save('A')(manager)).title)
    expect(answer).toEqual({ isFirst: true, result: 'A' })
    expect(await titlesIn(dataSource)).toEqual(['A'])
    expect(await notedIn(dataSource)).toEqual([`billing ${MESSAGE.messageId}`])
  })

  it('does nothing the second time', async () => {
    await once(dataSource, MESSAGE, save('A'))
    const fn = jest.fn(save('B'))
    expect(await once(dataSource, MESSAGE, fn)).toEqual({ isFirst: false })
    expect(fn).not.toHaveBeenCalled()
    expect(await titlesIn(dataSource)).toEqual(['A'])
  })

  it('tells consumers and messages apart to the letter', async () => {
    const messages = [MESSAGE, { ...MESSAGE, consumer: 'search' }, { ...MESSAGE, messageId: 'a' }, { ...MESSAGE, messageId: 'A' }]
    for (const message of messages) expect((await once(dataSource, message, save(message.messageId))).isFirst).toBe(true)
    expect(await titlesIn(dataSource)).toHaveLength(4)
    expect(await notedIn(dataSource)).toHaveLength(4)
  })

  it('lets an error through as it is, keeps nothing, and does it the next time', async () => {
    const mine = new Error('mine')
    const failing = async (manager: EntityManager) => {
      await save('A')(manager)
      throw mine
    }
    expect(await errorOf(once(dataSource, MESSAGE, failing))).toBe(mine)
    expect(await titlesIn(dataSource)).toEqual([])
    expect(await notedIn(dataSource)).toEqual([])
    expect((await once(dataSource, MESSAGE, save('B'))).isFirst).toBe(true)
    expect(await titlesIn(dataSource)).toEqual(['B'])
  })

  it('notes when it was, by the clock of the database', async () => {
    const before = Date.now()
    await once(dataSource, MESSAGE, save('A'))
    const [row] = await dataSource.getRepository('InboxMessage').find()
    expect(Math.abs(Number(row!['processed_at']) - before)).toBeLessThan(60_000)
  })

  it('does it once for two calls at the same time, whichever comes first', async () => {
    const { opened, open } = gate()
    const first = once(dataSource, MESSAGE, async (manager) => {
      await save('A')(manager)
      await opened
    })
    const second = once(dataSource, MESSAGE, save('B'))
    setImmediate(open)
    const answers = await Promise.all([first, second])
    expect(answers.map(({ isFirst }) => isFirst).sort()).toEqual([false, true])
    expect(await titlesIn(dataSource)).toHaveLength(1)
  })

  it('does it for the second of two calls at the same time where the first one fails', async () => {
    const { opened, open } = gate()
    const begun = gate()
    const first = once(dataSource, MESSAGE, async (manager) => {
      await save('A')(manager)
      begun.open()
      await opened
      throw new Error('mine')
    })
    await begun.opened
    const second = once(dataSource, MESSAGE, save('B'))
    setImmediate(open)
    expect((await errorOf(first)).message).toBe('mine')
    expect((await second).isFirst).toBe(true)
    expect(await titlesIn(dataSource)).toEqual(['B'])
  })

  it('does it once for many calls from several connections', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => once(dataSource, MESSAGE, save(String(index)))))
    const first = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.isFirst)
    expect(first).toHaveLength(1)
    expect(await titlesIn(dataSource)).toHaveLength(1)
    expect(await notedIn(dataSource)).toHaveLength(1)
  })

  it.each([
    { ...MESSAGE, messageId: 'x'.repeat(101) },
    { ...MESSAGE, messageId: '' },
    { ...MESSAGE, messageId: 'a ' },
    { ...MESSAGE, messageId: undefined },
    { ...MESSAGE, consumer: ' a' },
    { ...MESSAGE, consumer: 7 },
  ])('refuses what could be taken for another message: %j', async (message) => {
    expect((await errorOf(once(dataSource, message as never, save('A')))).code).toBe('OPTION_INVALID')
    expect(await titlesIn(dataSource)).toEqual([])
  })
})

describeDatabase('once by a manager', () => {
  let dataSource: DataSource
  beforeEach(async () => void (dataSource = await openOutbox({}, { entities: ENTITIES })))

  it('is part of the transaction that is open on it: committed with it, and done then', async () => {
    await dataSource.transaction(async (manager) => {
      expect(await once(manager, MESSAGE, save('A'))).toMatchObject({ isFirst: true })
      expect(await once(manager, MESSAGE, save('B'))).toEqual({ isFirst: false })
    })
    expect(await titlesIn(dataSource)).toEqual(['A'])
    expect(await once(dataSource, MESSAGE, save('B'))).toEqual({ isFirst: false })
  })

  it('is rolled back with that transaction, and done the next time', async () => {
    const mine = new Error('mine')
    const rolledBack = dataSource.transaction(async (manager) => {
      await once(manager, MESSAGE, save('A'))
      throw mine
    })
    expect(await errorOf(rolledBack)).toBe(mine)
    expect(await notedIn(dataSource)).toEqual([])
    expect((await once(dataSource, MESSAGE, save('B'))).isFirst).toBe(true)
    expect(await titlesIn(dataSource)).toEqual(['B'])
  })

  it('takes back its own work alone where it fails and that is caught', async () => {
    await dataSource.transaction(async (manager) => {
      await save('around')(manager)
      const failing = once(manager, MESSAGE, async (inner) => {
        await save('inside')(inner)
        throw new Error('mine')
      })
      expect((await errorOf(failing)).message).toBe('mine')
    })
    expect(await titlesIn(dataSource)).toEqual(['around'])
    expect(await notedIn(dataSource)).toEqual([])
  })

  it('takes what a session has pending, and whatever it writes, along', async () => {
    const attempt = (title: string, isFailing: boolean) =>
      withSession(dataSource, async (session) => {
        session.add(make(Article, { title: `${title} before` }))
        const { isFirst } = await once(session.manager, MESSAGE, async () => {
          session.add(make(Article, { title }))
          await session.flush()
          session.add(make(Article, { title: `${title} pending` }))
        })
        if (isFailing) throw new Error('not yet')
        return isFirst
      })
    expect((await errorOf(attempt('A', true))).message).toBe('not yet')
    expect(await titlesIn(dataSource)).toEqual([])
    expect(await notedIn(dataSource)).toEqual([])
    expect(await attempt('B', false)).toBe(true)
    expect(await titlesIn(dataSource)).toEqual(['B', 'B before', 'B pending'])
    expect(await attempt('C', false)).toBe(false)
    expect(await titlesIn(dataSource)).toEqual(['B', 'B before', 'B pending', 'C before'])
  })

  it('begins a transaction where none is open on it', async () => {
    const failing = once(dataSource.manager, MESSAGE, async (manager) => {
      await save('A')(manager)
      throw new Error('mine')
    })
    expect((await errorOf(failing)).message).toBe('mine')
    expect(await titlesIn(dataSource)).toEqual([])
    expect(await once(dataSource.manager, MESSAGE, save('B'))).toMatchObject({ isFirst: true })
    expect(await titlesIn(dataSource)).toEqual(['B'])
  })

  it.each([undefined, null, 7, {}, { manager: {} }])('refuses what is neither a DataSource nor a manager: %j', async (target) => {
    expect((await errorOf(once(target as never, MESSAGE, save('A')))).code).toBe('OPTION_INVALID')
  })
})

describeDatabase('once with a signal', () => {
  const inboxAlone = () => outboxEntities(databaseName()).filter(({ options }) => options.name === 'InboxMessage')
  const mine = new Error('mine')
  const hangingIn = (target: DataSource, writeLate: (manager: EntityManager) => unknown = () => undefined) => {
    const controller = new AbortController()
    return once(target, { ...MESSAGE, abortSignal: controller.signal }, async (manager) => {
      await save('never')(manager)
      setImmediate(() => {
        controller.abort(mine)
        setImmediate(() => writeLate(manager)) // ROLLBACK is on its way
      })
      return new Promise<never>(() => undefined)
    })
  }

  it.each(['with', 'without'])('rolls back and is done the next time, %s flushpoint', async (kind) => {
    const open = () =>
      openDataSource({ entities: [...ENTITIES, ...inboxAlone()] as never, ...(isSingleConnection() ? {} : { poolSize: 1 }) })
    const dataSource = kind === 'with' ? await openOutbox({}, { entities: ENTITIES }) : await open()
    expect(await errorOf(hangingIn(dataSource))).toBe(mine)
    expect(await titlesIn(dataSource)).toEqual([])
    expect(await notedIn(dataSource)).toEqual([])
    expect(await once(dataSource, { ...MESSAGE, abortSignal: new AbortController().signal }, save('A'))).toMatchObject({ isFirst: true })
    expect(await titlesIn(dataSource)).toEqual(['A'])
  })

  const followed = isSingleConnection() ? ['with'] : ['with', 'without'] // TypeORM alone has one query runner for everybody there
  it.each(followed)('refuses what is written from then on, %s flushpoint', async (kind) => {
    const dataSource =
      kind === 'with'
        ? await openOutbox({}, { entities: ENTITIES })
        : await openDataSource({ entities: [...ENTITIES, ...inboxAlone()] as never })
    const late = gate()
    const errors: Error[] = []
    const hanging = hangingIn(dataSource, async (manager) => {
      for (const write of [save('x'), save('y'), () => manager.query('SELECT 1')]) errors.push(await errorOf(write(manager)))
      late.open()
    })
    expect(await errorOf(hanging)).toBe(mine)
    await late.opened
    expect(errors.map(({ constructor }) => constructor.name)).toEqual(
      Array(3).fill(expect.stringMatching(/^(TransactionError|.*AlreadyReleasedError)$/)),
    )
    expect(await titlesIn(dataSource)).toEqual([])
  })

  it('begins nothing where that has aborted before', async () => {
    const dataSource = await openOutbox({}, { entities: ENTITIES })
    const fn = jest.fn(save('A'))
    expect(await errorOf(once(dataSource, { ...MESSAGE, abortSignal: AbortSignal.abort(mine) }, fn))).toBe(mine)
    expect(fn).not.toHaveBeenCalled()
  })

  it('keeps what was done before it aborts', async () => {
    const dataSource = await openOutbox({}, { entities: ENTITIES })
    const controller = new AbortController()
    await once(dataSource, { ...MESSAGE, abortSignal: controller.signal }, save('A'))
    controller.abort(mine)
    expect(await titlesIn(dataSource)).toEqual(['A'])
    expect(await notedIn(dataSource)).toHaveLength(1)
  })
})

describeDatabase('the hooks of what is done once', () => {
  it('run as in every transaction, and hear nothing of the note', async () => {
    log.length = 0
    const dataSource = await openOutbox(
      {},
      { entities: ENTITIES, around: (outbox) => [outbox, sessionLog('S', ['beforeFlush', 'beforeInsert', 'beforeBulk', 'afterCommit'])] },
    )
    const answer = await once(dataSource, MESSAGE, async (manager) => {
      expect(sessionOf(manager).scope).toMatchObject({ kind: 'transaction', depth: 1 })
      await save('A')(manager)
    })
    expect(answer.isFirst).toBe(true)
    expect(log).toEqual(['S.beforeFlush', 'S.beforeInsert A', 'S.afterCommit'])
    log.length = 0
    await once(dataSource, MESSAGE, save('B'))
    expect(log.filter((line) => line !== 'S.afterCommit')).toEqual([])
  })
})

describeDatabase('once in a program of its own', () => {
  const inboxAlone = () => outboxEntities(databaseName()).filter(({ options }) => options.name === 'InboxMessage')

  it('asks for the inbox alone, and no outbox', async () => {
    const consumer = await openDataSource({ entities: [...ENTITIES, ...inboxAlone()] as never })
    expect((await once(consumer, MESSAGE, save('A'))).isFirst).toBe(true)
    expect((await once(consumer, MESSAGE, save('A'))).isFirst).toBe(false)
    expect(await titlesIn(consumer)).toEqual(['A'])
  })

  it('is refused without the inbox, and nothing is done', async () => {
    const consumer = await openDataSource({ entities: [...ENTITIES] })
    expect(await errorOf(once(consumer, MESSAGE, save('A')))).toMatchObject({
      code: 'OUTBOX_TABLES_MISSING',
      message: expect.stringContaining('InboxMessage') as string,
    })
    expect(await titlesIn(consumer)).toEqual([])
  })

  it('passes on what TypeORM says while it is not connected', async () => {
    const consumer = new DataSource(dataSourceOptions({ entities: inboxAlone() as never }))
    expect((await errorOf(once(consumer, MESSAGE, save('A')))).name).toBe('CannotExecuteNotConnectedError')
  })

  it('does not take for done what the server has rolled back because an error was swallowed', async () => {
    const consumer = await openDataSource({ entities: [...ENTITIES, ...inboxAlone()] as never })
    const answer = await once(consumer, MESSAGE, async (manager) => {
      await save('A')(manager)
      await manager.query('SELECT nothing FROM nowhere').catch(() => undefined)
    }).catch((error: Error) => error)
    const isDone = !(answer instanceof Error)
    expect(isDone).toBe(databaseName() !== 'postgres')
    expect(await titlesIn(consumer)).toEqual(isDone ? ['A'] : [])
    expect(await notedIn(consumer)).toHaveLength(isDone ? 1 : 0)
  })
})

describeDatabase(
  'once over connections of its own',
  () => {
    it('waits for nobody where messages differ', async () => {
      const dataSource = await openOutbox({}, { entities: ENTITIES })
      await once(dataSource, MESSAGE, () => once(dataSource, { ...MESSAGE, messageId: 'b' }, save('B')))
      expect(await notedIn(dataSource)).toEqual([`billing ${MESSAGE.messageId}`, 'billing b'])
    })
  },
  ['postgres', 'mariadb'],
)
