/**
 * Soft removal and recovery through a session.
 *
 * @module
 */
import { DeleteDateColumn, Entity, ManyToOne, OneToMany, PrimaryGeneratedColumn, VersionColumn } from 'typeorm'
import { describeDatabase } from '../support/databases.js'
import { Note } from '../support/models.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Hall, Memo, TIES } from '../support/ties.js'

@Entity()
class Harbour {
  @PrimaryGeneratedColumn() id: number
  @DeleteDateColumn() deletedAt: Date | null
  @OneToMany(() => Buoy, (buoy) => buoy.harbour, { cascade: true }) buoys: Buoy[]
}

/** Nothing of it can be removed softly. */
@Entity()
class Buoy {
  @PrimaryGeneratedColumn() id: number
  @VersionColumn() version: number
  @ManyToOne(() => Harbour, (harbour) => harbour.buoys) harbour: Harbour
}

const db = useSessions([...TIES, Note, Harbour, Buoy])
const isRemoved = async () => (await db.rows(Memo)).map(({ deletedAt }) => Boolean(deletedAt))

async function loaded(own = {}) {
  await db.save(Memo, { text: 'a' })
  const session = db.open(own)
  return { session, memo: await session.find(Memo).one() }
}

describeDatabase('soft removal', () => {
  it('sets the delete date on row and object and keeps the object in the session', async () => {
    const { session, memo } = await loaded()
    session.softRemove(memo)
    expect([session.state(memo).status, [...session.uow.softRemoved]]).toEqual(['dirty', [memo]])
    const result = await session.flush()

    expect(result).toMatchObject({ softRemoved: 1, updated: 0, deleted: 0 })
    expect([await isRemoved(), memo.deletedAt, session.state(memo).status]).toEqual([[true], expect.any(Date), 'clean'])
    expect(await session.get(Memo, memo.id)).toBe(memo)
    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('hides the row from queries', async () => {
    const { session, memo } = await loaded()
    session.softRemove(memo)
    await session.flush()

    expect(await session.find(Memo).all()).toEqual([])
    expect(await session.find(Memo).count()).toBe(0)
  })

  it('is undone by recover', async () => {
    const { session, memo } = await loaded()
    session.softRemove(memo)
    await session.flush()
    session.recover(memo)
    const result = await session.flush()

    expect(result).toMatchObject({ recovered: 1, updated: 0 })
    expect([await isRemoved(), memo.deletedAt]).toEqual([[false], null])
    expect(await session.find(Memo).all()).toEqual([memo])
  })

  it('cancelled by recover before the flush leaves the row as it is', async () => {
    const { session, memo } = await loaded()
    session.softRemove(memo)
    session.recover(memo)
    await session.flush()

    expect([await isRemoved(), memo.deletedAt ?? null]).toEqual([[false], null])
  })

  it('gives way to delete', async () => {
    const { session, memo } = await loaded()
    session.softRemove(memo)
    session.delete(memo)
    await session.flush()

    expect(await db.rows(Memo)).toEqual([])
  })

  it('writes other changes of the object too', async () => {
    const { session, memo } = await loaded()
    memo.text = 'last words'
    session.softRemove(memo)
    await session.flush()

    expect(await db.rows(Memo)).toMatchObject([{ text: 'last words', deletedAt: expect.any(Date) }])
    memo.text = 'back'
    session.recover(memo)
    await session.flush()
    expect(await db.rows(Memo)).toMatchObject([{ text: 'back', deletedAt: null }])
  })

  it('of a new object drops it without SQL', async () => {
    const session = db.open()
    const memo = make(Memo, { text: 'a' })
    session.add(memo)
    await session.flush()
    const other = make(Memo, { text: 'b' })
    session.add(other)
    const error = await Promise.resolve()
      .then(() => session.softRemove(other))
      .then(
        () => undefined,
        (thrown: unknown) => thrown as { code: string },
      )

    expect(error).toMatchObject({ code: 'ENTITY_STATE_WRONG' })
    await session.flush()
    expect(await db.column(Memo, 'text')).toEqual(['a', 'b'])
  })

  it('is refused for a class without a delete date', async () => {
    await db.save(Hall, { name: 'east' })
    const session = db.open()
    const hall = await session.find(Hall).one()

    for (const method of ['softRemove', 'recover'] as const)
      expect(await errorOf(() => session[method](hall))).toMatchObject({
        code: 'SOFT_REMOVE_UNSUPPORTED',
        message: expect.stringContaining('Hall'),
      })
    await session.flush()
    expect(await db.rows(Hall)).toHaveLength(1)
  })

  it('runs its own hooks and none of update or delete', async () => {
    const seen: string[] = []
    const names = ['SoftRemove', 'Recover', 'Update', 'Delete'].flatMap((name) => [`before${name}`, `after${name}`])
    const { session, memo } = await loaded(Object.fromEntries(names.map((name) => [name, () => void seen.push(name)])))
    session.softRemove(memo)
    await session.flush()
    session.recover(memo)
    await session.flush()

    expect(seen).toEqual(['beforeSoftRemove', 'afterSoftRemove', 'beforeRecover', 'afterRecover'])
  })

  it('is told as a change of its own kind', async () => {
    const told: unknown[] = []
    const { session, memo } = await loaded({
      afterCommit: (changes: readonly { kind: string; before: Memo; after: Memo }[]) =>
        void told.push(...changes.map(({ kind, before, after }) => [kind, Boolean(before.deletedAt), Boolean(after.deletedAt)])),
    })
    session.softRemove(memo)
    await session.flush()
    session.recover(memo)
    await session.flush()

    expect(told).toEqual([
      ['softRemove', false, true],
      ['recover', true, false],
    ])
  })

  it('is taken back by a rollback, date included', async () => {
    const { session, memo } = await loaded()
    await session.begin()
    session.softRemove(memo)
    await session.flush()
    await session.rollback()

    expect([memo.deletedAt, session.state(memo).status, await isRemoved()]).toEqual([null, 'clean', [false]])
  })

  it('counts the version of a versioned row', async () => {
    await db.save(Note, { text: 'a' })
    const session = db.open()
    const note = await session.find(Note).one()
    session.softRemove(note)
    await session.flush()
    session.recover(note)
    await session.flush()
    note.text = 'b'
    await session.flush()

    const [row] = await db.rows(Note)
    expect(row).toMatchObject({ text: 'b', deletedAt: null })
    expect(note.version).toBe(row!.version)
  })

  it('is known to merge', async () => {
    const [saved] = await db.save(Memo, { text: 'a', deletedAt: new Date() })
    const session = db.open()
    const memo = await session.merge(Memo, { id: saved!.id, text: 'b' })
    expect(session.state(memo).status).toBe('dirty')
    await session.flush()

    expect(await db.rows(Memo)).toMatchObject([{ text: 'b', deletedAt: expect.any(Date) }])
  })

  it.each([1, 2])('goes on to no row of a class without a delete date, be there %d of them', async (count) => {
    await db.save(Harbour, { buoys: Array.from({ length: count }, () => new Buoy()) })
    const session = db.open()
    session.softRemove(await session.find(Harbour).one())
    const result = await session.flush()

    expect([result.softRemoved, result.updated]).toEqual([1, 0])
    expect((await db.rows(Harbour))[0]!.deletedAt).toBeInstanceOf(Date)
    expect(await db.column(Buoy, 'version')).toEqual(Array(count).fill(1))
  })

  it('stays retriable when its flush fails', async () => {
    let isMended = false
    const { session, memo } = await loaded({
      afterSoftRemove() {
        if (!isMended) throw new Error('broken')
      },
    })
    session.softRemove(memo)
    await errorOf(session.flush())
    expect([memo.deletedAt, [...session.uow.softRemoved]]).toEqual([null, [memo]])
    isMended = true
    await session.flush()

    expect(await isRemoved()).toEqual([true])
  }) // statement 39
})
