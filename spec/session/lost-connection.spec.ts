/**
 * A session whose connection dies.
 *
 * @module
 */
import { openSession, withSession, type Session } from 'flushpoint'
import { databaseName, describeDatabase } from '../support/databases.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Memo } from '../support/ties.js'

const db = useSessions([Memo])

/** Ends the connection of a session from another one. */
async function kill(session: Session): Promise<void> {
  const isPostgres = databaseName() === 'postgres'
  const rows = (await session.manager.query(`SELECT ${isPostgres ? 'pg_backend_pid()' : 'CONNECTION_ID()'} AS id`)) as [{ id: number }]
  await db.ds.query(isPostgres ? `SELECT pg_terminate_backend(${rows[0].id})` : `KILL ${rows[0].id}`)
}

describeDatabase(
  'a session whose connection is lost',
  () => {
    it('closes without an error of its own, and writes nothing', async () => {
      const session = openSession(db.ds)
      await session.begin()
      session.add(make(Memo, { text: 'lost' }))
      await session.flush()
      await kill(session)
      await errorOf(session.flush().then(() => session.find(Memo).all()))

      await session.close()
      expect(await db.rows(Memo)).toEqual([])
    })

    it('fails its block with the first error, not with that of the rollback', async () => {
      const failure = new Error('the first')
      const error = await errorOf(
        withSession(db.ds, async (session) => {
          session.add(make(Memo, { text: 'lost' }))
          await session.flush()
          await kill(session)
          throw failure
        }),
      )

      expect(error).toBe(failure)
      expect(await db.rows(Memo)).toEqual([])
    })

    it('leaves the others alone', async () => {
      const [one, other] = [openSession(db.ds), openSession(db.ds)]
      await one.begin()
      await kill(one)
      await one.close()
      other.add(make(Memo, { text: 'here' }))
      await other.flush()
      await other.close()

      expect(await db.column(Memo, 'text')).toEqual(['here'])
    })
  },
  ['postgres', 'mariadb'],
)
