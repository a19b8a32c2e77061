/**
 * Sets of rows that two connections write at the same time.
 *
 * @module
 */
import { hasErrorCode, openSession, type OpenSession } from 'flushpoint'
import type { EntityManager } from 'typeorm'
import { Berth, CROWD, Grain, many, Parcel, Stamp } from '../../support/crowd.js'
import { databaseName, describeDatabase, openDataSource } from '../../support/databases.js'
import { errorOf, useSessions } from '../../support/sessions.js'

const db = useSessions(CROWD)
const SERVERS = ['postgres', 'mariadb'] as const

const grains = (count: number) => many(Grain, count, (index) => ({ id: index + 1, name: `grain ${index}` }))
const briefly = () => new Promise((resolve) => setTimeout(resolve, 40))
const settled = (promise: Promise<unknown>): Promise<Error | undefined> =>
  promise.then(
    () => undefined,
    (error: Error) => error,
  )

/** A number from each `{"id":7}` of a message, in order. */
function named(error: Error, property: string): number[] {
  return [...error.message.matchAll(new RegExp(`"${property}":(\\d+)`, 'g'))].map(([, number]) => Number(number))
}

const places = (from: number, to: number) => Array.from({ length: to - from }, (_none, index) => from + index)

describeDatabase(
  'two sessions that write overlapping halves of versioned rows at once',
  () => {
    async function race(): Promise<{ session: OpenSession; berths: Berth[] }[]> {
      await db.ds.manager.insert(
        Berth,
        many(Berth, 50, (place) => ({ pier: 'a', place, name: 'free' })),
      )
      return Promise.all(
        [places(0, 30), places(20, 50)].map(async (mine, index) => {
          const session = db.open()
          const berths = await session
            .find(Berth)
            .order({ place: index === 0 ? 'ASC' : 'DESC' })
            .all()
          for (const berth of berths) if (mine.includes(berth.place)) berth.name = `session ${index}`
          return { session, berths }
        }),
      )
    }

    it('have one winner; the other is told the rows it lost, has written nothing, and can refresh and write', async () => {
      const sides = await race()
      const outcomes = await Promise.all(sides.map(({ session }) => settled(session.flush())))
      const lost = outcomes.findIndex((error) => error !== undefined)
      const { session, berths } = sides[lost]!

      expect(outcomes.filter((error) => error === undefined)).toHaveLength(1)
      expect(hasErrorCode(outcomes[lost], 'ROWS_STALE')).toBe(true)
      expect(named(outcomes[lost]!, 'place')).toEqual(places(20, 30))
      const won = lost === 0 ? places(20, 50) : places(0, 30)
      const winner = `session ${1 - lost}`
      expect(await db.column(Berth, 'name')).toEqual(places(0, 50).map((place) => (won.includes(place) ? winner : 'free')))
      expect(session.uow.dirty.size).toBe(30)

      for (const berth of berths.filter(({ place }) => place >= 20 && place < 30)) {
        await session.refresh(berth)
        berth.name = 'after all'
      }
      await session.flush()
      const rows = await db.rows(Berth)
      expect(rows.map(({ name, version }) => `${name} ${version}`)).toEqual(
        places(0, 50).map((place) => (place >= 20 && place < 30 ? 'after all 3' : `session ${place < 20 ? 0 : 1} 2`)),
      )
    })

    it('have one winner of deletes against updates', async () => {
      const sides = await race()
      const [changing, deleting] = sides as [(typeof sides)[0], (typeof sides)[0]]
      deleting.session.delete(...deleting.berths.filter(({ place }) => place >= 20))
      const outcomes = await Promise.all(sides.map(({ session }) => settled(session.flush())))
      const lost = outcomes.findIndex((error) => error !== undefined)

      expect(outcomes.filter((error) => error === undefined)).toHaveLength(1)
      expect(named(outcomes[lost]!, 'place').sort((a, b) => a - b)).toEqual(places(20, 30))
      const left = await db.rows(Berth)
      expect(left).toHaveLength(lost === 0 ? 20 : 50)
      expect(left.filter(({ name }) => name === 'session 0')).toHaveLength(lost === 0 ? 0 : 30)
      expect(changing.session.uow.dirty.size + deleting.session.uow.deleted.size).toBe(30)
    })

    it('wait for each other, not for rows that only one of them writes', async () => {
      await db.ds.manager.insert(Grain, grains(60))
      const [ours, theirs] = [db.open(), db.open()]
      const own = await ours.find(Grain).order({ id: 'DESC' }).all()
      const others = await theirs.find(Grain).all()
      for (const grain of own.filter(({ id }) => id % 3 === 0)) grain.size = 1
      ours.delete(...own.filter(({ id }) => id % 3 === 1))
      for (const grain of others.filter(({ id }) => id % 3 === 2)) grain.size = 2
      await ours.begin()
      await ours.flush()
      await theirs.flush()
      await ours.commit()

      expect(await db.column(Grain, 'size')).toEqual(places(0, 20).flatMap(() => [2, 1]))
    })
  },
  SERVERS,
)

describeDatabase(
  'rows that somebody is just deleting',
  () => {
    const WORK: Record<string, (session: OpenSession, all: readonly Grain[]) => void | Promise<unknown>> = {
      'an update': (_session, all) => all.forEach((grain) => (grain.size = 5)),
      'an update of other columns in each row': (_session, all) =>
        all.forEach((grain) => Object.assign(grain, grain.id % 2 ? { size: 5 } : { name: 'even' })),
      'a delete': (session, all) => session.delete(...all),
      'a soft removal': (session, all) => session.softRemove(...all),
    }

    const isWritten = ({ size, name, deletedAt }: Grain) => size === 5 || name === 'even' || deletedAt != null

    it.each(Object.keys(WORK))('are named by %s that has to wait for it', async (name) => {
      await db.ds.manager.insert(Grain, grains(50))
      const session = db.open()
      const all = await session.find(Grain).order({ id: 'ASC' }).all()
      await WORK[name]!(session, all)
      const runner = db.ds.createQueryRunner()
      await runner.startTransaction()
      await runner.manager.delete(Grain, [7, 8, 44])
      const late = settled(session.flush())
      await briefly()
      await runner.commitTransaction()
      await runner.release()
      const error = await late

      expect(hasErrorCode(error, 'ROWS_STALE')).toBe(true)
      expect(named(error!, 'id')).toEqual([7, 8, 44])
      expect(await db.rows(Grain)).toHaveLength(47)
      expect(new Set(await db.column(Grain, 'size'))).toEqual(new Set([null]))
      for (const grain of all) if ([7, 8, 44].includes(grain.id)) session.expunge(grain)
      await session.flush()
      expect((await db.rows(Grain)).filter((grain) => isWritten(grain))).toHaveLength(name === 'a delete' ? 0 : 47)
    })

    it('are named also where the transaction has seen them before', async () => {
      await db.ds.manager.insert(Grain, grains(10))
      const session = db.open()
      await session.begin()
      const all = await session.find(Grain).order({ id: 'ASC' }).all()
      await db.ds.manager.delete(Grain, [3, 4])
      all.forEach((grain) => (grain.size = 5))
      const error = await settled(session.flush())

      expect(hasErrorCode(error, 'ROWS_STALE')).toBe(true)
      expect(named(error!, 'id')).toEqual([3, 4])
      await session.rollback()
    })
  },
  SERVERS,
)

describeDatabase(
  'two sessions that write the same rows, loaded in opposite orders,',
  () => {
    const COUNT = 200

    type Work = (session: OpenSession, all: readonly Grain[]) => unknown

    /** Two sessions with all rows known, the first in the order of keys, the second the other way round. */
    async function prepared(work: readonly Work[]): Promise<readonly OpenSession[]> {
      await db.ds.manager.clear(Grain)
      await db.ds.manager.insert(Grain, grains(COUNT))
      return Promise.all(
        work.map(async (change, index) => {
          const session = openSession(db.ds)
          change(
            session,
            await session
              .find(Grain)
              .order({ id: index === 0 ? 'ASC' : 'DESC' })
              .all(),
          )
          return session
        }),
      )
    }

    /** What went wrong but for ROWS_STALE, which is no deadlock. */
    async function clash(sessions: readonly OpenSession[], ...others: (() => Promise<unknown>)[]): Promise<string[]> {
      const errors = await Promise.all([...sessions.map((session) => session.flush()), ...others.map((other) => other())].map(settled))
      await Promise.all(sessions.map((session) => session.close()))
      return errors.flatMap((error) => (error === undefined || hasErrorCode(error, 'ROWS_STALE') ? [] : error.message))
    }

    /** Keeps a row in the middle from everybody until both sessions wait: each has then locked what comes before it in its own order. */
    async function clashInTheMiddle(sessions: readonly OpenSession[]): Promise<string[]> {
      const runner = db.ds.createQueryRunner()
      await runner.startTransaction()
      await runner.manager.findOneOrFail(Grain, { where: { id: COUNT / 2 }, lock: { mode: 'pessimistic_write' } })
      const errors = clash(sessions)
      await briefly()
      await runner.commitTransaction()
      await runner.release()
      return errors
    }

    const update = (_session: OpenSession, all: readonly Grain[]) => all.forEach((grain) => (grain.size = (grain.size ?? 0) + 1))
    const softRemove = (session: OpenSession, all: readonly Grain[]) => session.softRemove(...all)
    const remove = (session: OpenSession, all: readonly Grain[]) => session.delete(...all)
    /** One statement for each row, in the order of the keys, in one transaction. */
    const plainly = () =>
      db.ds.transaction(async (manager: EntityManager) => {
        for (let id = 1; id <= COUNT; id += 5) await manager.update(Grain, id, { name: 'plain' })
      })

    it.each<[string, Work, Work]>([
      ['update', update, update],
      ['update and delete', update, remove],
      ['delete', remove, remove],
      ['soft-remove', softRemove, softRemove],
      ['update and soft-remove', update, softRemove],
    ])('never deadlock when they %s', async (_name, ...work) => {
      const errors: string[] = []
      for (let round = 0; round < 5; round++) errors.push(...(await clashInTheMiddle(await prepared(work))))
      expect(errors).toEqual([])
    })

    it('never deadlock in twenty rounds, with or without updates of single rows in the order of keys', async () => {
      const errors: string[] = []
      for (let round = 0; round < 20; round++)
        errors.push(...(await clash(await prepared([update, round % 3 === 0 ? remove : update]), ...(round % 2 === 0 ? [plainly] : []))))
      expect(errors).toEqual([])
    })

    it('never deadlock over rows of a junction', async () => {
      const codes = places(0, 50).map((number) => ({ code: `stamp ${number}` }))
      await db.ds.manager.insert(Stamp, codes)
      const errors: (Error | undefined)[] = []
      for (let round = 0; round < 10; round++) {
        const [made] = await db.save(Parcel, { name: 'linked', stamps: codes as Stamp[] })
        const both = [openSession(db.ds), openSession(db.ds)]
        for (const [index, session] of both.entries()) {
          const parcel = await session.find(Parcel, { id: made!.id }).with('stamps').one()
          if (index === 1) parcel.stamps!.reverse()
          parcel.stamps = parcel.stamps!.slice(0, 0)
        }
        errors.push(...(await Promise.all(both.map((session) => settled(session.flush())))))
        await Promise.all(both.map((session) => session.close()))
      }
      expect(errors.filter((error) => error !== undefined)).toEqual([])
    })
  },
  SERVERS,
)

describeDatabase(
  'a set of rows in a stricter isolation',
  () => {
    it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const)('of %s loses no increment', async (isolationLevel) => {
      await db.ds.manager.insert(
        Berth,
        many(Berth, 20, (place) => ({ pier: 'a', place, name: '0' })),
      )
      let stale = 0
      /** Serialization failures and deadlocks are tried again by withRetry, rows that turn out stale by the caller. */
      const increment = async (): Promise<void> => {
        await using session = openSession(db.ds, { isolationLevel })
        const work = session.withRetry(
          async (own) => {
            for (const berth of await own.find(Berth).all()) berth.name = String(Number(berth.name) + 1)
          },
          { attempts: 20, delayMs: 5 },
        )
        const error = await settled(work)
        if (error === undefined) return
        if (!hasErrorCode(error, 'ROWS_STALE')) throw error
        stale++
        await session.close()
        await increment()
      }
      await Promise.all([increment(), increment(), increment()])

      expect(new Set((await db.rows(Berth)).map(({ name, version }) => `${name} ${version}`))).toEqual(new Set(['3 4']))
      if (databaseName() === 'postgres' && isolationLevel !== 'READ COMMITTED') expect(stale).toBe(0)
    })

    it('fails with the error of the database, is pending again after the rollback, and gets through when tried again', async () => {
      await db.ds.manager.insert(Grain, grains(20))
      const tries: number[] = []
      await using session = openSession(db.ds, { isolationLevel: 'REPEATABLE READ' })
      await session.withRetry(async (own) => {
        tries.push(own.info['attempt'] as number)
        if (databaseName() === 'mariadb') await own.manager.query('SET SESSION innodb_snapshot_isolation = ON')
        const all = await own.find(Grain).order({ id: 'ASC' }).all()
        if (tries.length === 1) await db.ds.manager.update(Grain, 7, { name: 'theirs' })
        all.forEach((grain) => (grain.size = 1))
        if (tries.length > 1) return
        const error = await errorOf(own.flush())
        expect(error).toMatchObject({
          name: 'QueryFailedError',
          driverError: { code: databaseName() === 'postgres' ? '40001' : 'ER_CHECKREAD' },
        })
        expect(own.uow.dirty.size).toBe(20)
        throw error
      })
      if (databaseName() === 'mariadb') await session.manager.query('SET SESSION innodb_snapshot_isolation = DEFAULT')

      expect(tries).toEqual([1, 2])
      expect((await db.rows(Grain)).map(({ name, size }) => `${name} ${String(size)}`)).toEqual(
        grains(20).map(({ id, name }) => `${id === 7 ? 'theirs' : name} 1`),
      )
    })
  },
  SERVERS,
)

describeDatabase(
  'two connections to one file',
  () => {
    it('have one winner of overlapping halves', async () => {
      const elsewhere = await openDataSource({ ...db.ds.options, synchronize: false } as typeof db.ds.options)
      await db.ds.manager.insert(
        Berth,
        many(Berth, 50, (place) => ({ pier: 'a', place, name: 'free' })),
      )
      const [ours, theirs] = [db.open(), openSession(elsewhere)]
      const [own, others] = [await ours.find(Berth).all(), await theirs.find(Berth).all()]
      for (const berth of others) if (berth.place >= 20) berth.name = 'theirs'
      for (const berth of own) if (berth.place < 30) berth.name = 'ours'
      await theirs.flush()
      const error = await errorOf(ours.flush())

      expect(error).toMatchObject({ code: 'ROWS_STALE' })
      expect(named(error, 'place')).toEqual(places(20, 30))
      expect(await db.column(Berth, 'name')).toEqual(places(0, 50).map((place) => (place < 20 ? 'free' : 'theirs')))
      expect(ours.uow.dirty.size).toBe(30)
      await theirs.close()
      await elsewhere.destroy()
    })
  },
  ['sqlite', 'better-sqlite3'],
)
