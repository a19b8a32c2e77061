/**
 * Two sessions on two connections that write the same versioned rows at the same time.
 *
 * @module
 */
import { hasErrorCode, type OpenSession } from 'flushpoint'
import { describeDatabase } from '../support/databases.js'
import { errorOf, useSessions } from '../support/sessions.js'
import { Account } from '../support/ties.js'

const db = useSessions()

async function loaded(count: number): Promise<{ session: OpenSession; accounts: Account[] }[]> {
  await db.save(Account, ...Array.from({ length: count }, (_, index) => ({ name: `account ${index}` })))
  return Promise.all(
    ['ours', 'theirs'].map(async () => {
      const session = db.open()
      return { session, accounts: await session.find(Account).order({ id: 'ASC' }).all() }
    }),
  )
}

describeDatabase(
  'a race of two sessions',
  () => {
    it('lets one win, while the other waits for its commit and is told which row was taken', async () => {
      const [ours, theirs] = await loaded(1)
      ours!.accounts[0]!.balance = 1
      theirs!.accounts[0]!.balance = 2
      await ours!.session.begin()
      await ours!.session.flush()
      const late = errorOf(theirs!.session.flush())
      await new Promise((resolve) => setTimeout(resolve, 50))
      await ours!.session.commit()

      expect(await late).toMatchObject({
        code: 'ROWS_STALE',
        message: expect.stringContaining(`Account {"id":${ours!.accounts[0]!.id}}`),
      })
      expect(await db.rows(Account)).toMatchObject([{ balance: 1, version: 2 }])
    }) // statement 26

    it('overwrites none of several rows when a commit comes between', async () => {
      const [ours, theirs] = await loaded(5)
      ours!.accounts[3]!.balance = 555
      for (const account of theirs!.accounts) account.balance = 100
      await ours!.session.begin()
      await ours!.session.flush()
      const late = errorOf(theirs!.session.flush())
      await new Promise((resolve) => setTimeout(resolve, 50))
      await ours!.session.commit()

      const error = await late
      expect(error).toMatchObject({ code: 'ROWS_STALE', message: expect.stringContaining(`Account {"id":${ours!.accounts[3]!.id}}`) })
      expect(await db.column(Account, 'balance')).toEqual([0, 0, 0, 555, 0])
    }) // statement 26, M6

    it('lets the loser refresh and write', async () => {
      const [ours, theirs] = await loaded(2)
      for (const { session, accounts } of [ours!, theirs!]) {
        accounts[0]!.balance += 10
        await errorOf(session.flush().then(() => Promise.reject(new Error('written'))))
      }
      expect(await db.column(Account, 'balance')).toEqual([10, 0])
      await theirs!.session.refresh(theirs!.accounts[0]!)
      theirs!.accounts[0]!.balance += 10
      await theirs!.session.flush()

      expect(await db.column(Account, 'balance')).toEqual([20, 0])
    })

    it('lets the waiting one win when the first rolls back', async () => {
      const [ours, theirs] = await loaded(1)
      ours!.accounts[0]!.balance = 1
      theirs!.accounts[0]!.balance = 2
      await ours!.session.begin()
      await ours!.session.flush()
      const late = theirs!.session.flush()
      await new Promise((resolve) => setTimeout(resolve, 50))
      await ours!.session.rollback()
      await late

      expect(await db.rows(Account)).toMatchObject([{ balance: 2, version: 2 }])
    })

    it('loses no increment of twenty that are retried', async () => {
      await db.save(Account, { name: 'counter' })
      const increment = async () => {
        const session = db.open()
        for (let tries = 0; tries < 50; tries++) {
          const account = await session.find(Account).one()
          if (tries > 0) await session.refresh(account)
          account.balance += 1
          const error = await session.flush().then(
            () => undefined,
            (thrown: Error) => thrown,
          )
          if (error === undefined) return session.close()
          if (!hasErrorCode(error, 'ROWS_STALE')) throw error
        }
      }
      for (let round = 0; round < 5; round++) await Promise.all([increment(), increment(), increment(), increment()])

      expect(await db.rows(Account)).toMatchObject([{ balance: 20, version: 21 }])
    })
  },
  ['postgres', 'mariadb'],
)
