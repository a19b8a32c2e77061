/**
 * One connection for everybody: transactions and saves of one SQLite data source take turns instead of sharing one transaction.
 *
 * @module
 */
import { SessionExtension } from 'flushpoint'
import type { DataSource } from 'typeorm'
import { closeAll, describeDatabase, recordStatements } from '../support/databases.js'
import { Author, make, Tag } from '../support/models.js'
import { errorOf, namesOf, openLogged } from '../support/transaction-log.js'

const author = (name: string) => make(Author, { name })
const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A transaction that stands still until told to go on. */
function held(dataSource: DataSource, name: string) {
  let proceed!: (error?: Error) => void
  let begun!: () => void
  const gate = new Promise<Error | undefined>((resolve) => (proceed = resolve))
  const started = new Promise<void>((resolve) => (begun = resolve))
  const done = dataSource.transaction(async (manager) => {
    await manager.save(author(name))
    begun()
    const error = await gate
    if (error !== undefined) throw error
  })
  return { started, done, proceed }
}

const SINGLE = ['sqlite', 'better-sqlite3'] as const

describeDatabase(
  'units of work on one connection',
  () => {
    afterEach(closeAll)

    it('take turns in the order in which they asked', async () => {
      const { dataSource, lines } = await openLogged()
      const work = (name: string) =>
        dataSource.transaction(async (manager) => {
          lines.push(`${name} runs`)
          await tick()
          await manager.save(author(name))
        })
      await Promise.all(['1', '2', '3'].map(work))
      const turn = (name: string) => ['begin transaction 1', `${name} runs`, 'beforeCommit', `commit: insert ${name}`]
      expect(lines).toEqual(['1', '2', '3'].flatMap(turn))
    })

    it('keep a plain save out of a transaction that then rolls back', async () => {
      const { dataSource } = await openLogged()
      const other = held(dataSource, 'undone')
      await other.started
      const saved = dataSource.manager.save(author('kept'))
      const inserted = dataSource.manager.insert(Author, { name: 'kept too' })
      await tick()
      other.proceed(new Error('no'))
      await expect(other.done).rejects.toThrow('no')
      await Promise.all([saved, inserted])
      expect(await namesOf(dataSource, Author)).toEqual(['kept', 'kept too'])
    })

    it('let a read outside see committed rows only', async () => {
      const { dataSource } = await openLogged()
      const other = held(dataSource, 'undone')
      await other.started
      const read = namesOf(dataSource, Author)
      await tick()
      other.proceed(new Error('no'))
      await errorOf(other.done)
      expect(await read).toEqual([])
    })

    it('run writes of one transaction together without waiting for themselves', async () => {
      const { dataSource, lines } = await openLogged()
      await dataSource.transaction(async (manager) => {
        await Promise.all([manager.save(author('a')), manager.save(author('b')), manager.find(Tag), dataSource.manager.save(author('c'))])
      })
      expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'commit: insert a, insert b, insert c'])
    })

    it('have a query runner and manager of their own', async () => {
      const { dataSource } = await openLogged()
      const runners = [dataSource.createQueryRunner(), dataSource.createQueryRunner()] as const
      expect(runners[0]).not.toBe(runners[1])
      runners[0].data['request'] = 1
      expect(runners[1].data).toEqual({})
      await Promise.all(runners.map((runner) => runner.release()))
    })

    it('go on after one that failed at any point', async () => {
      const veto = new Error('veto')
      class Veto extends SessionExtension {
        override afterBegin() {
          if (failing === 'afterBegin') throw veto
        }
        override beforeCommit() {
          if (failing === 'beforeCommit') throw veto
        }
      }
      let failing = ''
      const { dataSource } = await openLogged({ extensions: [Veto] })
      for (failing of ['afterBegin', 'beforeCommit']) await expect(dataSource.manager.save(author(failing))).rejects.toBe(veto)
      failing = ''
      await errorOf(dataSource.query('SELECT * FROM nowhere'))
      await dataSource.manager.save(author('next'))
      expect(await namesOf(dataSource, Author)).toEqual(['next'])
    })

    it('work in memory', async () => {
      const { dataSource } = await openLogged({}, { memory: true })
      await Promise.allSettled(
        ['a', 'b', 'c'].map((name) =>
          dataSource.transaction(async (manager) => {
            await manager.save(author(name))
            if (name === 'b') throw new Error('no')
          }),
        ),
      )
      expect(await namesOf(dataSource, Author)).toEqual(['a', 'c'])
    })

    it('refuse a stream as TypeORM does, and hold nothing for it', async () => {
      const { dataSource } = await openLogged()
      await expect(dataSource.createQueryBuilder(Author, 'author').stream()).rejects.toThrow(/[Ss]tream is not supported/)
      await dataSource.manager.save(author('next'))
      expect(await namesOf(dataSource, Author)).toEqual(['next'])
    })
  },
  SINGLE,
)

describeDatabase(
  'a wait for oneself on one connection',
  () => {
    afterEach(closeAll)

    it('is named when a transaction opened by hand waits for a global write, and is over with its rollback', async () => {
      const { dataSource, lines } = await openLogged()
      const runner = dataSource.createQueryRunner()
      await runner.startTransaction()
      await runner.manager.save(author('Ann'))
      const error = await errorOf(dataSource.manager.save(author('Bea')))
      expect(error).toMatchObject({ code: 'CONNECTION_DEADLOCK', name: 'TransactionError' })
      expect((error as { fix: string }).fix).toContain('queryRunner.manager')
      await runner.rollbackTransaction()
      await runner.release()
      await dataSource.manager.save(author('Cid'))
      expect(lines).toContain('rollback transaction 1: insert Ann')
      expect(await namesOf(dataSource, Author)).toEqual(['Cid'])
    })

    it('is named for a statement, too, and the transaction can still commit', async () => {
      const { dataSource } = await openLogged()
      const runner = dataSource.createQueryRunner()
      await runner.startTransaction()
      await runner.manager.save(author('Ann'))
      await expect(dataSource.query('SELECT 1')).rejects.toMatchObject({ code: 'CONNECTION_DEADLOCK' })
      await runner.commitTransaction()
      await runner.release()
      expect(await namesOf(dataSource, Author)).toEqual(['Ann'])
    })

    it('is not what others do who wait for a transaction opened by hand', async () => {
      const { dataSource } = await openLogged()
      let begun!: () => void
      const started = new Promise<void>((resolve) => (begun = resolve))
      const other = started.then(() => dataSource.manager.save(author('other request')))
      const runner = dataSource.createQueryRunner()
      await runner.startTransaction()
      begun()
      await new Promise((resolve) => setTimeout(resolve, 1_200)) // longer than a wait for oneself may last
      await runner.manager.save(author('by hand'))
      await runner.commitTransaction()
      await runner.release()
      await other
      expect(await namesOf(dataSource, Author)).toEqual(['by hand', 'other request'])
    })
  },
  SINGLE,
)

describeDatabase(
  'a stream of rows',
  () => {
    afterEach(closeAll)

    it('sees what its own transaction has written, and the transaction goes on after it', async () => {
      const { dataSource, lines } = await openLogged()
      await dataSource.transaction(async (manager) => {
        await manager.save(author('Ann'))
        const stream = await manager.createQueryBuilder(Author, 'author').stream()
        const rows: unknown[] = []
        for await (const row of stream) rows.push((row as { author_name: string }).author_name)
        expect(rows).toEqual(['Ann'])
        await manager.save(author('Bea'))
      })
      expect(lines.at(-1)).toBe('commit: insert Ann, insert Bea')
    })
  },
  ['mariadb'],
)

describeDatabase('an installation without extensions', () => {
  afterEach(closeAll)

  it('sends the statements that TypeORM sends', async () => {
    const statements = async (subscribed: boolean) => {
      const { dataSource } = await openLogged({}, subscribed ? {} : { subscribers: [] })
      const recording = recordStatements(dataSource)
      const ann = await dataSource.manager.save(author('Ann'))
      await dataSource.transaction((manager) => manager.transaction((inner) => inner.save(Object.assign(ann, { name: 'Bea' }))))
      await dataSource.manager.remove(ann)
      return recording.sql()
    }
    expect(await statements(true)).toEqual(await statements(false))
  })
})
