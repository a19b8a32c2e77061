/**
 * More rows, or heavier ones, than one statement takes: several statements in one transaction.
 *
 * @module
 */
import 'reflect-metadata'
import type { FlushPlan, OpenSession } from 'flushpoint'
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm'
import { strategyOf } from '../../../lib/typeorm/sets/strategy-of.js'
import { Berth, CROWD, Grain, many, Parcel, Stamp } from '../../support/crowd.js'
import { databaseName, describeDatabase } from '../../support/databases.js'
import { errorOf, useSessions } from '../../support/sessions.js'

@Entity()
class Letter {
  @PrimaryGeneratedColumn() id: number
  @Column({ type: databaseName() === 'mariadb' ? 'longtext' : 'text' }) text: string
  @Column({ default: 'open' }) state: string
}

const db = useSessions([...CROWD, Letter])
const onMariadb = databaseName() === 'mariadb'
const grains = (count: number) => many(Grain, count, (index) => ({ id: index + 1, name: `grain ${index}` }))

async function stored<E extends object>(session: OpenSession, entities: readonly E[]): Promise<readonly E[]> {
  session.add(...(entities as readonly object[]))
  await session.flush()
  return entities
}

const sizesOf = ({ steps }: FlushPlan) => steps.map(({ kind, table, rows, path }) => `${kind} ${table} ${rows.length} ${path}`)
const count = (sent: readonly string[], what: string) => sent.filter((line) => line === what).length

const bySets = process.env['ENGINE'] === 'row' ? [] : undefined

describeDatabase(
  'chunks',
  () => {
    const limits = {} as { maxRows: number; maxWeight: number }
    /** For the present test. */
    const limit = (changed: Partial<typeof limits>) => Object.assign(strategyOf(db.ds)!, changed)
    beforeAll(() => {
      const { maxRows, maxWeight } = strategyOf(db.ds)!
      Object.assign(limits, { maxRows, maxWeight })
    })
    afterEach(() => void limit(limits))

    describe('of too many rows', () => {
      beforeEach(() => void limit({ maxRows: 50 }))

      it('go out one after another in one transaction, with every key on its object', async () => {
        const session = db.open()
        const all = many(Parcel, 120, (index) => ({ name: `parcel ${index}` }))
        session.add(...all)

        expect(sizesOf(await session.explain())).toEqual(['insert parcel 50 set', 'insert parcel 50 set', 'insert parcel 20 set'])
        expect(await db.sent(() => session.flush())).toEqual(['BEGIN', 'INSERT parcel', 'INSERT parcel', 'INSERT parcel', 'COMMIT'])
        const rows = new Map((await db.rows(Parcel)).map((row) => [row.id, row]))
        for (const { stamps, ...parcel } of all) expect([parcel, stamps]).toEqual([{ ...rows.get(parcel.id) }, undefined])
      })

      it('of updates, deletes, soft removals and recoveries are explained as they are sent', async () => {
        const session = db.open()
        const [changed, deleted, removed, recovered] = [0, 1, 2, 3].map((part) => grains(360).slice(part * 90, (part + 1) * 90))
        await stored(session, [...changed!, ...deleted!, ...removed!, ...recovered!])
        session.softRemove(...recovered!)
        await session.flush()
        changed!.forEach((grain) => Object.assign(grain, grain.id % 2 ? { size: 1 } : { name: 'even' }))
        session.delete(...deleted!)
        session.softRemove(...removed!)
        session.recover(...recovered!)

        const plan = await session.explain()
        expect(sizesOf(plan)).toEqual(
          ['update', 'softRemove', 'recover', 'delete'].flatMap((kind) => [`${kind} grain 50 set`, `${kind} grain 40 set`]),
        )
        const sql = await db.sqlOf(() => session.flush())
        const writing = sql.filter((text) => /UPDATE|DELETE/.test(text))
        expect(writing).toEqual(plan.steps.map((step) => step.sql.replace(/"flushpoint_\w+"\./g, '')))
        const rows = await db.rows(Grain)
        expect(rows.map(({ id, name, size, deletedAt }) => [id, name, size, deletedAt !== null])).toEqual([
          ...changed!.map(({ id }) => [id, id % 2 ? `grain ${id - 1}` : 'even', id % 2 ? 1 : null, false]),
          ...removed!.map(({ id, name }) => [id, name, null, true]),
          ...recovered!.map(({ id, name }) => [id, name, null, false]),
        ])
      })

      it('of links and unlinks', async () => {
        const session = db.open()
        const stamps = many(Stamp, 120, (index) => ({ code: `stamp ${String(index).padStart(3, '0')}` }))
        await stored(session, stamps)
        const [parcel] = await stored(session, [Object.assign(new Parcel(), { name: 'linked', stamps: [] as Stamp[] })])
        parcel!.stamps = [...stamps]
        expect(count(await db.sent(() => session.flush()), 'INSERT parcel_stamps_stamp')).toBe(3)
        expect((await db.rows(Parcel, 'stamps'))[0]!.stamps).toHaveLength(120)
        parcel!.stamps = stamps.slice(0, 10)
        expect(count(await db.sent(() => session.flush()), 'DELETE parcel_stamps_stamp')).toBe(3)
        expect((await db.rows(Parcel, 'stamps'))[0]!.stamps!.map(({ code }) => code).sort()).toEqual(
          stamps.slice(0, 10).map(({ code }) => code),
        )
      })

      it('leave nothing written where the last one fails, and the work pending', async () => {
        const session = db.open()
        const all = [...grains(119), Object.assign(new Grain(), { id: 1, name: 'twin' })]
        session.add(...(await stored(session, [Object.assign(new Grain(), { id: 200, name: 'stays' })])), ...all.slice(0, 119))
        await db.ds.manager.insert(Grain, { id: 119, name: 'theirs' })
        const error = await errorOf(session.flush())
        expect(error).toMatchObject({ name: 'QueryFailedError' })
        expect(await db.column(Grain, 'name')).toEqual(['theirs', 'stays'])
        expect(session.uow.new.size).toBe(119)

        await db.ds.manager.delete(Grain, 119)
        await session.flush()
        expect(await db.column(Grain, 'id')).toEqual([...all.slice(0, 119).map(({ id }) => id), 200])
      })

      it('name the stale rows of all of them', async () => {
        const session = db.open()
        const all = await stored(
          session,
          many(Berth, 120, (index) => ({ pier: 'a', place: 1_000 + index, name: 'b' })),
        )
        for (const place of [1_003, 1_060, 1_119]) await db.ds.manager.save(Berth, { pier: 'a', place, name: 'theirs' })
        all.forEach((berth) => (berth.name = 'ours'))
        const error = await errorOf(session.flush())

        expect(error).toMatchObject({ code: 'ROWS_STALE', message: expect.stringContaining('3 rows') })
        expect(error.message.match(/"place":\d+/g)).toEqual(['"place":1003', '"place":1060', '"place":1119'])
        expect(new Set(await db.column(Berth, 'name'))).toEqual(new Set(['b', 'theirs']))
      })

      it('name the deleted rows of all of them', async () => {
        const session = db.open()
        const all = await stored(session, grains(120))
        await db.ds.manager.delete(Grain, [4, 60, 61, 120])
        session.delete(...all)
        const error = await errorOf(session.flush())

        expect(error).toMatchObject({ code: 'ROWS_STALE', message: expect.stringContaining('4 rows') })
        expect(error.message.match(/"id":\d+/g)).toEqual(['"id":4', '"id":60', '"id":61', '"id":120'])
        expect(await db.rows(Grain)).toHaveLength(116)
      })
    })

    describe('of too heavy rows', () => {
      it('are as heavy as they may be, and a row that is too heavy goes alone', async () => {
        limit({ maxWeight: 10_000 })
        const session = db.open()
        const lengths = [...Array<number>(30).fill(500), 30_000, ...Array<number>(30).fill(500)]
        const all = many(Letter, lengths.length, (index) => ({ text: 'x'.repeat(lengths[index]!) }))
        session.add(...all)
        const plan = await session.explain()
        const sent = await db.sent(() => session.flush())

        const weights = plan.steps.map(({ rows }) => rows.map(({ entity }) => (entity as Letter).text.length))
        expect(weights.flat().sort()).toEqual([...lengths].sort())
        for (const chunk of weights.filter((one) => one.length > 1)) expect(chunk.reduce((a, b) => a + b)).toBeLessThanOrEqual(10_000)
        expect(weights).toContainEqual([30_000])
        expect(count(sent, 'INSERT letter')).toBe(plan.steps.length)
        expect(count(sent, 'BEGIN')).toBe(1)
        const sizes = new Map((await db.rows(Letter)).map(({ id, text }) => [id, text.length]))
        expect(all.map(({ id }) => sizes.get(id))).toEqual(lengths)
      })
    })

    ;(onMariadb ? describe : describe.skip)('that are more than a packet of the server', () => {
      it('go out in several', async () => {
        const session = db.open()
        const all = many(Letter, 9, (index) => ({ text: String(index).repeat(2_000_000) }))
        await stored(session, all)
        all.forEach((letter) => (letter.state = 'read'))
        await session.flush()

        const rows = await db.ds.query('SELECT id, state, length(text) AS size FROM letter ORDER BY id')
        expect(rows.map(({ id, state, size }: Record<string, unknown>) => [id, state, Number(size)])).toEqual(
          all.map(({ id }) => [id, 'read', 2_000_000]),
        )
      })

      it.each([
        ['quotes', '"'],
        ['control characters', '\x01'],
      ])('hold a text of %s, which a document would make too long', async (_name, character) => {
        const session = db.open()
        await stored(
          session,
          many(Letter, 2, () => ({ text: character.repeat(5_000_000) })),
        )
        const [row] = await db.ds.query('SELECT sum(length(text)) AS size FROM letter')
        expect(Number(row.size)).toBe(10_000_000)
      })
    })

    it('of their natural size take more values than a statement has parameters', async () => {
      const session = db.open()
      const all = grains(20_001).map((grain) => Object.assign(grain, { size: grain.id, deletedAt: null }))
      session.add(...all)
      expect(count(await db.sent(() => session.flush()), 'INSERT grain')).toBe(onMariadb ? 3 : 2)
      expect(Number(await db.ds.manager.sum(Grain, 'id'))).toBe((20_001 * 20_002) / 2)
    })

    it('after one with a value that cannot travel are sent as they are explained', async () => {
      limit({ maxRows: 10 })
      const session = db.open()
      const all = grains(30)
      all[25]!.name = 'half \ud800 a character'
      session.add(...all)
      const plan = await session.explain()
      const sent = await db.sent(() => session.flush())

      const planned = plan.steps.map(({ path, rows }) => (path === 'set' ? 1 : rows.length))
      expect(count(sent, 'INSERT grain')).toBe(planned.reduce((a, b) => a + b))
      expect(await db.rows(Grain)).toHaveLength(30)
    })
  },
  bySets,
)
