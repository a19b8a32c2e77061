/**
 * A commit counts when the server committed: what servers refuse, give up or end by themselves.
 *
 * @module
 */
import { hasErrorCode, sessionOf } from 'flushpoint'
import { Column, Entity, ManyToOne, PrimaryColumn, type EntityManager } from 'typeorm'
import { closeAll, describeDatabase } from '../support/databases.js'
import { Author, make, Tag } from '../support/models.js'
import { errorOf, namesOf, openLogged, tellAll } from '../support/transaction-log.js'

const author = (name: string) => make(Author, { name })

@Entity()
class Team {
  @PrimaryColumn() id: number
}

@Entity()
class Player {
  @PrimaryColumn() id: number
  @Column() name: string
  @ManyToOne(() => Team, { deferrable: 'INITIALLY DEFERRED', createForeignKeyConstraints: true }) team?: Team
}

describeDatabase(
  'a COMMIT that PostgreSQL would answer with ROLLBACK',
  () => {
    afterEach(closeAll)

    it('rejects with the swallowed error as its cause, and is told as rolled back', async () => {
      const { dataSource, lines } = await openLogged()
      let swallowed: unknown
      const work = dataSource.transaction(async (manager) => {
        await manager.save(author('Ann'))
        sessionOf(manager).onCommit(() => void lines.push('never'))
        swallowed = await errorOf(manager.query('SELECT * FROM nowhere'))
      })
      const error = await errorOf(work)
      expect(hasErrorCode(error, 'TRANSACTION_ROLLED_BACK')).toBe(true)
      expect((error as Error).cause).toBe(swallowed)
      expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'rollback transaction 1: insert Ann'])
      expect(await namesOf(dataSource, Author)).toEqual([])
    })

    it('also rejects when the swallowed error was one of save', async () => {
      const { dataSource, lines } = await openLogged()
      await dataSource.manager.save(make(Tag, { name: 'taken' }))
      lines.length = 0
      const work = dataSource.transaction(async (manager) => {
        await errorOf(manager.save([author('Ann'), make(Tag, { name: 'taken' })]))
      })
      await expect(work).rejects.toMatchObject({ code: 'TRANSACTION_ROLLED_BACK' })
      expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'rollback transaction 1: insert Ann'])
    })

    it('commits when the failed statement was recovered from through a savepoint', async () => {
      const { dataSource, lines } = await openLogged()
      await dataSource.transaction(async (manager) => {
        await manager.save(author('Ann'))
        await errorOf(manager.transaction((inner) => inner.query('SELECT * FROM nowhere')))
        await manager.save(author('Bea'))
      })
      expect(lines.at(-1)).toBe('commit: insert Ann, insert Bea')
      expect(await namesOf(dataSource, Author)).toEqual(['Ann', 'Bea'])
    })

    it('probes the server only after a failure', async () => {
      const { dataSource } = await openLogged()
      const runner = dataSource.createQueryRunner()
      const query = jest.spyOn(runner, 'query')
      await runner.startTransaction()
      await runner.manager.save(author('Ann'))
      await runner.commitTransaction()
      await runner.release()
      expect(query.mock.calls.map(([sql]) => sql)).not.toContain('SELECT 1')
    })

    it('rejects, and is told as rolled back, when a deferred constraint fails it', async () => {
      const { dataSource, lines } = await openLogged({}, { entities: [Team, Player] })
      const work = dataSource.transaction((manager) => manager.save(make(Player, { id: 1, name: 'Ann', team: make(Team, { id: 404 }) })))
      await expect(work).rejects.toThrow(/foreign key/)
      expect(lines).toEqual(['begin transaction 1', 'beforeCommit', 'rollback transaction 1: insert Ann'])
      await dataSource.manager.save(make(Team, { id: 1 }))
      expect(await dataSource.manager.count(Team)).toBe(1)
    })

    it('leaves no connection inside a transaction when COMMIT fails', async () => {
      const { dataSource } = await openLogged({}, { entities: [Team, Player], applicationName: 'flushpoint-commit-fails' })
      await errorOf(dataSource.manager.save(make(Player, { id: 1, name: 'Ann', team: make(Team, { id: 404 }) })))
      const rows = await dataSource.query<{ state: string }[]>(
        `SELECT state FROM pg_stat_activity WHERE application_name = 'flushpoint-commit-fails' AND state LIKE 'idle in%'`,
      )
      expect(rows).toEqual([])
    })
  },
  ['postgres'],
)

/** Two transactions that update two rows in opposite order; the server ends one of them. */
function deadlocked(first: Author, second: Author, survive: (manager: EntityManager, error: unknown) => Promise<unknown>) {
  let arrived = 0
  let open!: () => void
  const both = new Promise<void>((resolve) => (open = resolve))
  return async (manager: EntityManager, one: Author, other: Author) => {
    await manager.update(Author, { id: one.id }, { name: `${one.name}!` })
    if (++arrived === 2) open()
    await both
    const error = await errorOf(manager.update(Author, { id: other.id }, { name: `${other.name}!` }))
    if (error !== undefined) await survive(manager, error)
  }
}

describeDatabase(
  'a transaction that MariaDB has ended to resolve a deadlock',
  () => {
    afterEach(closeAll)

    async function outcomes(survive: (manager: EntityManager, error: unknown) => Promise<unknown>) {
      const { dataSource, lines } = await openLogged()
      const [ann, bea] = (await dataSource.manager.save([author('Ann'), author('Bea')])) as [Author, Author]
      lines.length = 0
      const run = deadlocked(ann, bea, survive)
      const settled = await Promise.allSettled([
        dataSource.transaction((manager) => run(manager, ann, bea)),
        dataSource.transaction((manager) => run(manager, bea, ann)),
      ])
      const reasons = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []))
      return { dataSource, lines, reasons }
    }

    it('refuses the next statement and commits nothing when the deadlock is swallowed', async () => {
      let swallowed: unknown
      const { dataSource, lines, reasons } = await outcomes((manager, error) => {
        swallowed = error
        return manager.save(author('after the end'))
      })
      expect(reasons).toHaveLength(1)
      expect(reasons[0]).toMatchObject({ code: 'TRANSACTION_ENDED_BY_SERVER' })
      expect(reasons[0]!.cause).toBe(swallowed)
      expect(lines.filter((line) => /^(commit|rollback)/.test(line)).sort()).toEqual(['commit: nothing', 'rollback transaction 1: nothing'])
      expect((await namesOf(dataSource, Author)).filter((name) => name.endsWith('!'))).toHaveLength(2)
      expect(await namesOf(dataSource, Author)).not.toContain('after the end')
    })

    it('refuses the commit when nothing more was tried', async () => {
      const { reasons } = await outcomes(() => Promise.resolve())
      expect(reasons).toHaveLength(1)
      expect(reasons[0]).toMatchObject({ code: 'TRANSACTION_ENDED_BY_SERVER' })
    })

    it('leaves the journal of the ended transaction to afterRollback', async () => {
      const { dataSource, lines } = await openLogged()
      const [ann, bea] = (await dataSource.manager.save([author('Ann'), author('Bea')])) as [Author, Author]
      lines.length = 0
      const run = deadlocked(ann, bea, (_manager, error) => Promise.reject(error as Error))
      const work = (one: Author, other: Author) =>
        dataSource.transaction(async (manager) => {
          await manager.save(make(Tag, { name: one.name }))
          sessionOf(manager).onRollback((changes) => void lines.push(`undone: ${tellAll(changes)}`))
          await run(manager, one, other)
        })
      await Promise.allSettled([work(ann, bea), work(bea, ann)])
      const [survivor] = await namesOf(dataSource, Tag)
      const victim = survivor === 'Ann' ? 'Bea' : 'Ann'
      expect(lines).toContain(`commit: insert ${survivor}`)
      expect(lines).toContain(`undone: insert ${victim}`)
    })
  },
  ['mariadb'],
)
