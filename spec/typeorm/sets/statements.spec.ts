/**
 * What a flush of many rows sends: how many statements, what they look like, and what hooks hear of it.
 *
 * @module
 */
import { openSession, type OpenSession } from 'flushpoint'
import { extend, log, mapperLog, sessionLog } from '../../support/chains.js'
import { Berth, CROWD, Ferry, Grain, many, Parcel, Stamp, Yacht } from '../../support/crowd.js'
import { databaseName, describeDatabase, isSingleConnection } from '../../support/databases.js'
import { SET_SQL, shapeOf } from '../../support/set-sql.js'
import { emptyTables, errorOf, useSessions } from '../../support/sessions.js'

const db = useSessions(CROWD)
const onMariadb = databaseName() === 'mariadb'

const parcels = (count: number) => many(Parcel, count, (index) => ({ name: `parcel ${index}` }))
const stamps = (count: number) => many(Stamp, count, (index) => ({ code: `stamp ${index}` }))
const grains = (count: number) => many(Grain, count, (index) => ({ id: index + 1, name: `grain ${index}` }))
const berths = (count: number) => many(Berth, count, (index) => ({ pier: `pier ${index % 7}`, place: index, name: `berth ${index}` }))

const withStamps = (all: Stamp[]) => many(Parcel, 1, () => ({ name: 'parcel', stamps: all }))

/** Entities that are stored and known to the session, with nothing pending. */
async function stored<E extends object>(session: OpenSession, entities: readonly E[]): Promise<readonly E[]> {
  session.add(...(entities as readonly object[]))
  await session.flush()
  return entities
}

type Work = (session: OpenSession, count: number) => void | Promise<void>

/** Leaves so many rows to write; with what is sent, and on MariaDB what is sent where it tells less. */
const WORK: Record<string, { readonly work: Work; readonly sent: readonly string[]; readonly onMariadb?: readonly string[] }> = {
  'an insert with key, defaults and dates read back': {
    work: (session, count) => session.add(...parcels(count)),
    sent: ['INSERT parcel'],
  },
  'an insert of what is given': {
    work: (session, count) => session.add(...grains(count)),
    sent: ['INSERT grain'],
  },
  'an insert of which some rows leave a nullable column out': {
    work: (session, count) =>
      session.add(...grains(count).map((grain) => (grain.id % 2 === 0 ? grain : Object.assign(grain, { size: 3 })))),
    sent: isSingleConnection() ? ['INSERT grain'] : ['INSERT grain', 'INSERT grain'], // a server may have a default of its own there
  },
  'an update of one column': {
    work: async (session, count) => (await stored(session, grains(count))).forEach((grain) => (grain.size = 4)),
    sent: ['UPDATE grain'],
  },
  'an update of other columns in each row': {
    work: async (session, count) =>
      (await stored(session, grains(count))).forEach((grain) => {
        if (grain.id % 3 !== 0) grain.size = grain.id
        if (grain.id % 3 !== 1) grain.name += '!'
      }),
    sent: ['UPDATE grain'],
  },
  'a versioned update with the date read back': {
    work: async (session, count) => (await stored(session, parcels(count))).forEach((parcel) => (parcel.weight = 1)),
    sent: ['UPDATE parcel'],
    onMariadb: ['SELECT parcel', 'UPDATE parcel', 'SELECT parcel'],
  },
  'a versioned update of other columns in each row': {
    work: async (session, count) =>
      (await stored(session, berths(count))).forEach((berth) => Object.assign(berth, berth.place % 2 ? { name: 'odd' } : { version: 7 })),
    sent: ['UPDATE berth'],
    onMariadb: ['SELECT berth', 'UPDATE berth'],
  },
  'a delete': {
    work: async (session, count) => session.delete(...(await stored(session, grains(count)))),
    sent: ['DELETE grain'],
  },
  'a versioned delete': {
    work: async (session, count) => session.delete(...(await stored(session, berths(count)))),
    sent: ['DELETE berth'],
    onMariadb: ['SELECT berth', 'DELETE berth'],
  },
  'a soft removal': {
    work: async (session, count) => session.softRemove(...(await stored(session, grains(count)))),
    sent: ['UPDATE grain'],
    onMariadb: ['UPDATE grain', 'SELECT grain'],
  },
  'a recovery': {
    work: async (session, count) => {
      const removed = await stored(session, grains(count))
      session.softRemove(...removed)
      await session.flush()
      session.recover(...removed)
    },
    sent: ['UPDATE grain'],
  },
  links: {
    work: async (session, count) => {
      const [parcel] = await stored(session, withStamps([]))
      parcel!.stamps = [...(await stored(session, stamps(count)))]
    },
    sent: ['INSERT parcel_stamps_stamp'],
  },
  unlinks: {
    work: async (session, count) => {
      const all = [...(await stored(session, stamps(count)))]
      const [parcel] = await stored(session, withStamps(all))
      parcel!.stamps = []
    },
    sent: ['DELETE parcel_stamps_stamp'],
  },
  'inserts of two classes in one table': {
    work: (session, count) => {
      session.add(...many(Ferry, count, (index) => ({ name: 'f', decks: index })))
      session.add(...many(Yacht, count, (index) => ({ name: 'y', owner: `owner ${index}` })))
    },
    sent: ['INSERT vessel', 'INSERT vessel'],
  },
  'updates of two classes in one table': {
    work: async (session, count) => {
      const ferries = await stored(
        session,
        many(Ferry, count, (index) => ({ name: 'f', decks: index })),
      )
      const yachts = await stored(
        session,
        many(Yacht, count, () => ({ name: 'y' })),
      )
      ferries.forEach((ferry) => (ferry.decks = -1))
      yachts.forEach((yacht) => (yacht.owner = 'Ann'))
    },
    sent: ['UPDATE vessel', 'UPDATE vessel'],
  },
  'deletes of two classes in one table': {
    work: async (session, count) => {
      const ferries = await stored(
        session,
        many(Ferry, count, () => ({ name: 'f' })),
      )
      session.delete(
        ...ferries,
        ...(await stored(
          session,
          many(Yacht, count, () => ({ name: 'y' })),
        )),
      )
    },
    sent: ['DELETE vessel', 'DELETE vessel'],
  },
}

const bySets = process.env['ENGINE'] === 'row' ? describe.skip : describe

describeDatabase('a flush of many rows', () => {
  bySets('sends as many statements as for two', () => {
    it.each(Object.entries(WORK))('for %s', async (_name, { work, sent, ...other }) => {
      for (const count of [2, 20, 200]) {
        const session = db.open()
        await work(session, count)
        const expected = ['BEGIN', ...((onMariadb && other.onMariadb) || sent), 'COMMIT']
        expect([count, ...(await db.sent(() => session.flush()))]).toEqual([count, ...expected])
        await session.close()
        await emptyTables(db.ds)
      }
    })

    it('for 2,000 of every kind', async () => {
      const session = db.open()
      const known = await stored(session, grains(8_000))
      const [changed, deleted, removed, recovered] = [0, 1, 2, 3].map((part) => known.slice(part * 2_000, (part + 1) * 2_000))
      session.softRemove(...recovered!)
      await session.flush()
      changed!.forEach((grain) => Object.assign(grain, grain.id % 2 ? { size: 1 } : { name: 'even' }))
      session.delete(...deleted!)
      session.softRemove(...removed!)
      session.recover(...recovered!)
      const [parcel] = parcels(1)
      parcel!.stamps = stamps(2_000)
      session.add(...parcels(2_000), parcel!, ...parcel!.stamps)

      const writes = [
        'INSERT parcel',
        'INSERT stamp',
        'UPDATE grain',
        'UPDATE grain',
        'UPDATE grain',
        'INSERT parcel_stamps_stamp',
        'DELETE grain',
      ]
      const sent = await db.sent(() => session.flush())
      expect(sent).toEqual(['BEGIN', ...(onMariadb ? writes.toSpliced(4, 0, 'SELECT grain') : writes), 'COMMIT'])
    })
  })

  bySets('words each statement as its database likes it', () => {
    it.each(Object.entries(SET_SQL[isSingleConnection() ? 'sqlite' : (databaseName() as 'postgres' | 'mariadb')]))(
      'for %s',
      async (name, expected) => {
        const session = db.open()
        await WORK[name]!.work(session, 2)
        const sql = await db.sqlOf(() => session.flush())
        expect(sql.slice(1, -1).map(shapeOf)).toEqual(expected)
      },
    )
  })

  describe('tells hooks of each row', () => {
    const heard = () => log.splice(0)
    const names = ['one', 'two', 'three']
    const listening = () => {
      extend(Parcel, mapperLog('M'))
      return openSession(db.ds, { extensions: [sessionLog('S')] })
    }
    const around = (operation: string) => [
      ...names.flatMap((name) => [`S.before${operation} ${name}`, `M.before${operation} ${name}`]),
      ...names.flatMap((name) => [`M.after${operation} ${name}`, `S.after${operation} ${name}`]),
    ]

    afterEach(() => extend(Parcel))

    it('once before and once after, in the order of add', async () => {
      await using session = listening()
      session.add(...many(Parcel, 3, (index) => ({ name: names[index]! })))
      await session.flush()
      expect(heard()).toEqual(['S.beforeFlush', ...around('Insert'), 'S.afterFlush'])

      const all = await session.find(Parcel).order({ id: 'ASC' }).all()
      all.forEach((parcel) => (parcel.weight = 1))
      await session.flush()
      expect(heard()).toEqual(['S.beforeFlush', ...around('Update'), 'S.afterFlush'])

      session.softRemove(...all)
      await session.flush()
      session.recover(...all)
      await session.flush()
      session.delete(...all)
      await session.flush()
      expect(heard()).toEqual(
        ['SoftRemove', 'Recover', 'Delete'].flatMap((operation) => ['S.beforeFlush', ...around(operation), 'S.afterFlush']),
      )
    })

    it('with what the database made of it', async () => {
      const told: unknown[] = []
      const tell = (entity: object) => void told.push({ ...(entity as Parcel) })
      const session = db.open({ afterInsert: tell, afterUpdate: tell, afterSoftRemove: tell })
      const all = many(Parcel, 3, (index) => ({ name: names[index]! }))
      session.add(...all)
      await session.flush()
      const made = await db.rows(Parcel)
      expect(told.splice(0)).toEqual(names.map((name) => made.find((row) => row.name === name)))
      expect(made).toMatchObject(Array(3).fill({ id: expect.any(Number), place: 'shelf', weight: 7, version: 1 }))

      all.forEach((parcel, index) => Object.assign(parcel, index === 1 ? { place: 'van' } : { weight: index }))
      await session.flush()
      expect(told.splice(0)).toEqual(await db.rows(Parcel))
      session.softRemove(...all)
      await session.flush()
      expect(told).toEqual(await db.rows(Parcel))
      expect(told).toMatchObject(Array(3).fill({ version: 3, deletedAt: expect.any(Date) }))
    })

    it('of each class in one table by that class', async () => {
      const told: string[] = []
      const session = db.open({
        afterInsert: (entity) => void told.push(`${entity.constructor.name} ${String((entity as Ferry).id)}`),
        afterCommit: (changes) => void told.push(...changes.map(({ kind, entity }) => `${kind} ${entity.constructor.name}`)),
      })
      const [ferries, yachts] = [many(Ferry, 2, () => ({ name: 'f' })), many(Yacht, 2, () => ({ name: 'y' }))]
      session.add(...ferries, ...yachts)
      await session.flush()

      expect(told.slice(0, 4)).toEqual([...ferries, ...yachts].map((one) => `${one.constructor.name} ${one.id}`))
      expect(told.slice(4)).toEqual(['insert Ferry', 'insert Ferry', 'insert Yacht', 'insert Yacht'])
    })

    it('and a hook that fails leaves nothing of them', async () => {
      let left = 2
      const session = db.open({ afterInsert: () => (--left < 0 ? Promise.reject(new Error('third')) : undefined) })
      const all = many(Parcel, 3, (index) => ({ name: names[index]! }))
      session.add(...all)
      expect((await errorOf(session.flush())).message).toBe('third')
      expect([all.map(({ id }) => id), await db.rows(Parcel)]).toEqual([[undefined, undefined, undefined], []])
      left = 3
      await session.flush()
      expect(await db.column(Parcel, 'name')).toEqual(names)
    })
  })
})
