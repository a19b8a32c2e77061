/**
 * A begin that fails, a release that comes too early, a transaction opened behind the runner's back: no connection stays inside one.
 *
 * @module
 */
import { SessionExtension, type TransactionScope } from 'flushpoint'
import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm'
import { closeAll, databaseName, describeDatabase } from '../support/databases.js'
import { Author, make } from '../support/models.js'
import { collectWarnings, errorOf, namesOf, openLogged, openStranger } from '../support/transaction-log.js'

const author = (name: string) => make(Author, { name })
const closed = new Error('closed today')

/** A subscriber that refuses every nested begin. */
function refusingNested(event: 'beforeTransactionStart' | 'afterTransactionStart'): EntitySubscriberInterface {
  let depth = 0
  return {
    [event]: () => (depth++ > 0 ? Promise.reject(closed) : undefined),
    afterTransactionCommit: ({ queryRunner }) => void (queryRunner.isTransactionActive || (depth = 0)),
  } as EntitySubscriberInterface
}

class RefuseNested extends SessionExtension {
  override afterBegin({ depth }: TransactionScope) {
    if (depth > 1) throw closed
  }
}

let opened = 0
const named = () => ({ applicationName: `flushpoint-begin-${process.pid}-${++opened}` })

/** Nobody's connection is left inside a transaction: a stranger sees the next write at once. */
async function expectNothingOpen(dataSource: DataSource): Promise<void> {
  await dataSource.manager.save(author('next request'))
  const stranger = await openStranger(dataSource)
  expect(await namesOf(stranger, Author)).toContain('next request')
  if (databaseName() !== 'postgres') return
  const { applicationName } = dataSource.options as { applicationName?: string }
  const rows = await stranger.query<unknown[]>(
    `SELECT state FROM pg_stat_activity WHERE application_name = $1 AND state LIKE 'idle in transaction%'`,
    [applicationName],
  )
  expect(rows).toEqual([])
}

describeDatabase('a nested begin that fails', () => {
  afterEach(closeAll)

  it('before its savepoint, in a foreign beforeTransactionStart, leaves the outer transaction to its caller', async () => {
    const { dataSource, lines } = await openLogged({}, named())
    dataSource.subscribers.push(refusingNested('beforeTransactionStart'))
    await dataSource.transaction(async (outer) => {
      await outer.save(author('Ann'))
      await expect(outer.transaction((inner) => inner.save(author('Bea')))).rejects.toBe(closed)
      await outer.save(author('Cid'))
    })
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Ann, insert Cid'])
    expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Cid'])
    await expectNothingOpen(dataSource)
  })

  it('after its savepoint, in a foreign afterTransactionStart, undoes just that savepoint', async () => {
    const { dataSource, lines } = await openLogged({}, named())
    dataSource.subscribers.push(refusingNested('afterTransactionStart'))
    await dataSource.transaction(async (outer) => {
      await outer.save(author('Ann'))
      await expect(outer.transaction((inner) => inner.save(author('Bea')))).rejects.toBe(closed)
    })
    expect(lines).toEqual(['begin transaction 1', 'rollback savepoint 2: nothing', 'beforeCommit', 'commit: insert Ann'])
    await expectNothingOpen(dataSource)
  })

  it('in our afterBegin undoes just that savepoint', async () => {
    const { dataSource, lines } = await openLogged({ extensions: [RefuseNested] }, named())
    await dataSource.transaction(async (outer) => {
      await outer.save(author('Ann'))
      await expect(outer.transaction((inner) => inner.save(author('Bea')))).rejects.toBe(closed)
    })
    expect(lines).toEqual([
      'begin transaction 1',
      'begin savepoint 2',
      'rollback savepoint 2: nothing',
      'beforeCommit',
      'commit: insert Ann',
    ])
    await expectNothingOpen(dataSource)
  })

  it.each(['beforeTransactionStart', 'afterTransactionStart'] as const)(
    'in %s rolls everything back when the outer caller does not catch it',
    async (event) => {
      const { dataSource, lines } = await openLogged({}, named())
      const refusing = refusingNested(event)
      dataSource.subscribers.push(refusing)
      const work = dataSource.transaction(async (outer) => {
        await outer.save(author('Ann'))
        await outer.transaction((inner) => inner.save(author('Bea')))
      })
      await expect(work).rejects.toBe(closed)
      expect(lines.at(-1)).toBe('rollback transaction 1: insert Ann')
      dataSource.subscribers.splice(dataSource.subscribers.indexOf(refusing), 1)
      expect(await namesOf(dataSource, Author)).toEqual([])
      await expectNothingOpen(dataSource)
    },
  )

  it('refuses to commit a level that never started, by hand, and keeps the outer one', async () => {
    const { dataSource, lines } = await openLogged({}, named())
    dataSource.subscribers.push(refusingNested('beforeTransactionStart'))
    const runner = dataSource.createQueryRunner()
    await runner.startTransaction()
    await runner.manager.save(author('Ann'))
    await expect(runner.startTransaction()).rejects.toBe(closed)
    await expect(runner.commitTransaction()).rejects.toMatchObject({ code: 'TRANSACTION_LEVEL_NOT_STARTED', cause: closed })
    await runner.rollbackTransaction()
    await runner.commitTransaction()
    await runner.release()
    expect(lines.at(-1)).toBe('commit: insert Ann')
    expect(await namesOf(dataSource, Author)).toEqual(['Ann'])
  })
})

describeDatabase('an outermost begin that fails', () => {
  afterEach(closeAll)

  it('in a foreign beforeTransactionStart rejects and leaves the connection usable', async () => {
    const { dataSource, lines } = await openLogged({}, named())
    dataSource.subscribers.push({ beforeTransactionStart: () => Promise.reject(closed) })
    await expect(dataSource.manager.save(author('Ann'))).rejects.toBe(closed)
    dataSource.subscribers.pop()
    expect(lines).toEqual([])
    await expectNothingOpen(dataSource)
  })

  it('in a foreign afterTransactionStart is rolled back', async () => {
    const { dataSource } = await openLogged({}, named())
    dataSource.subscribers.push({ afterTransactionStart: () => Promise.reject(closed) })
    await expect(dataSource.manager.save(author('Ann'))).rejects.toBe(closed)
    dataSource.subscribers.pop()
    await expectNothingOpen(dataSource)
  })

  it('on the wire leaves the runner ready for the next', async () => {
    const { dataSource, lines } = await openLogged({}, named())
    const runner = dataSource.createQueryRunner()
    failOnce(runner, /^(BEGIN|START)/)
    await expect(runner.startTransaction()).rejects.toThrow('connection lost')
    expect(runner.isTransactionActive).toBe(false)
    await runner.startTransaction()
    await runner.manager.save(author('Ann'))
    await runner.commitTransaction()
    await runner.release()
    expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert Ann'])
    await expectNothingOpen(dataSource)
  })
})

function failOnce(runner: QueryRunner, statement: RegExp): void {
  const query = runner.query.bind(runner)
  let left = 1
  runner.query = ((sql: string, ...rest: []) =>
    statement.test(sql) && left-- > 0 ? Promise.reject(new Error('connection lost')) : query(sql, ...rest)) as QueryRunner['query']
}

describeDatabase('a release with an open transaction', () => {
  afterEach(closeAll)

  it('rolls back first and tells so', async () => {
    const { dataSource, lines } = await openLogged({}, named())
    const runner = dataSource.createQueryRunner()
    await runner.startTransaction()
    await runner.manager.save(author('Ann'))
    await runner.startTransaction()
    await runner.manager.save(author('Bea'))
    await runner.release()
    expect(lines.slice(2)).toEqual(['rollback savepoint 2: insert Bea', 'rollback transaction 1: insert Ann'])
    expect(await namesOf(dataSource, Author)).toEqual([])
    await expectNothingOpen(dataSource)
  })

  it('never hides the error that led to it', async () => {
    const { dataSource } = await openLogged({}, named())
    const work = async () => {
      const runner = dataSource.createQueryRunner()
      try {
        await runner.startTransaction()
        await runner.manager.save(author('Ann'))
        throw closed
      } finally {
        await runner.release()
      }
    }
    expect(await errorOf(work())).toBe(closed)
    await expectNothingOpen(dataSource)
  })
})

describeDatabase('a transaction opened by raw SQL', () => {
  afterEach(closeAll)
  afterEach(() => jest.restoreAllMocks())

  it('is warned about once for each verb', async () => {
    const warnings = collectWarnings()
    const { dataSource } = await openLogged({}, named())
    const runner = dataSource.createQueryRunner()
    for (let round = 0; round < 2; round++) {
      await runner.query('BEGIN')
      await runner.query('SAVEPOINT mine')
      await runner.query('ROLLBACK TO SAVEPOINT mine')
      await runner.query('ROLLBACK')
    }
    await runner.release()
    expect(warnings.codes).toEqual(['RAW_TRANSACTION_STATEMENT', 'RAW_TRANSACTION_STATEMENT'])
    expect(warnings.messages.map((message) => message.slice(0, 35))).toEqual([
      expect.stringContaining('query("BEGIN")'),
      expect.stringContaining('query("ROLLBACK")'),
    ])
  })

  it('is not what startTransaction and the others send', async () => {
    const warnings = collectWarnings()
    const { dataSource } = await openLogged({}, named())
    await dataSource.manager.save(author('Ann'))
    await errorOf(dataSource.transaction(() => Promise.reject(closed)))
    expect(warnings.messages).toEqual([])
  })
})
