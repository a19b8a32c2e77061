/**
 * A failed flush forgets nothing: mend the cause and flush again.
 *
 * @module
 */
import 'reflect-metadata'
import { Column, Entity, ManyToOne, PrimaryColumn } from 'typeorm'
import { hasErrorCode } from 'flushpoint'
import { databaseName, describeDatabase } from '../support/databases.js'
import type { Hooks } from '../support/hooks.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Account, Album, Hall, Memo, Photo, TIES } from '../support/ties.js'

@Entity()
class Tenant {
  @PrimaryColumn() id: number
}

/** Its constraint is checked at COMMIT where the database can do that. */
@Entity()
class Lease {
  @PrimaryColumn() id: number
  @Column() tenantId: number
  @ManyToOne(() => Tenant, { deferrable: 'INITIALLY DEFERRED' }) tenant: Tenant
}

const db = useSessions([...TIES, Tenant, Lease])
const broken = new Error('broken')

/** A hook that fails the first time it is called. */
function failingOnce(name: keyof Hooks): Hooks {
  let isMended = false
  const hook = () => {
    if (isMended) return
    isMended = true
    throw broken
  }
  return { [name]: hook } as Hooks
}

/** Work of every kind on the three rows saved before. */
async function prepared(own: Hooks = {}) {
  await db.save(Memo, { text: 'changed' }, { text: 'deleted' }, { text: 'removed' })
  const session = db.open(own)
  const [changed, deleted, removed] = await session.find(Memo).order({ id: 'ASC' }).all()
  const added = make(Memo, { text: 'added' })
  const album = make(Album, { name: 'summer', photos: [make(Photo, { name: 'one' })], halls: [make(Hall, { name: 'east' })] })
  return { session, changed: changed!, deleted: deleted!, removed: removed!, added, album }
}

type Prepared = Awaited<ReturnType<typeof prepared>>

function work({ session, changed, deleted, removed, added, album }: Prepared): void {
  changed.text += '!'
  session.delete(deleted)
  session.softRemove(removed)
  session.add(added, album)
}

async function expectWritten({ added, album }: Prepared): Promise<void> {
  expect((await db.rows(Memo)).map(({ text, deletedAt }) => [text, Boolean(deletedAt)])).toEqual([
    ['changed!', false],
    ['removed', true],
    ['added', false],
  ])
  expect(await db.rows(Album, 'photos', 'halls')).toMatchObject([{ id: album.id, photos: [{ name: 'one' }], halls: [{ name: 'east' }] }])
  expect((await db.rows(Memo)).at(-1)!.id).toBe(added.id)
}

describeDatabase('a flush that failed', () => {
  it.each<keyof Hooks>([
    'beforeFlush',
    'beforeInsert',
    'beforeUpdate',
    'beforeDelete',
    'beforeSoftRemove',
    'afterInsert',
    'afterUpdate',
    'afterDelete',
    'afterSoftRemove',
    'afterFlush',
    'beforeCommit',
  ])('in %s is written once by the next one', async (name) => {
    const all = await prepared(failingOnce(name))
    const { session, changed, deleted, removed, added, album } = all
    work(all)
    expect(await errorOf(session.flush())).toBe(broken)

    expect(await db.column(Memo, 'text')).toEqual(['changed', 'deleted', 'removed'])
    expect([added.id, album.id, album.photos![0]!.id, album.halls![0]!.id, removed.deletedAt]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      null,
    ])
    expect([changed, deleted, removed, added, album].map((entity) => session.state(entity).status)).toEqual([
      'dirty',
      'deleted',
      'dirty',
      'new',
      'new',
    ])
    const result = await session.flush()
    expect(result).toMatchObject({ inserted: 4, updated: 1, deleted: 1, softRemoved: 1 })
    await expectWritten(all)
    expect(await db.sent(() => session.flush())).toEqual([])
  }) // statement 39, M4, S9

  it('with a database error is written once the cause is mended', async () => {
    await db.save(Hall, { name: 'east' })
    const all = await prepared()
    const { session, added, album } = all
    work(all)
    const error = await errorOf(session.flush())
    expect(error.message).toMatch(/unique|duplicate/i)
    expect(await db.column(Memo, 'text')).toEqual(['changed', 'deleted', 'removed'])
    expect([added.id, album.id]).toEqual([undefined, undefined])
    expect(session.uow.new.has(added)).toBe(true)

    await db.ds.manager.delete(Hall, { name: 'east' })
    await session.flush()
    await expectWritten(all)
  }) // statement 39, M4, S9

  it('keeps its work through several failures', async () => {
    await db.save(Hall, { name: 'east' })
    const all = await prepared()
    work(all)
    for (let tries = 0; tries < 3; tries++) await errorOf(all.session.flush())
    all.album.halls![0]!.name = 'west'
    await all.session.flush()
    all.album.halls![0]!.name = 'east'
    await db.ds.manager.delete(Hall, { name: 'east' })
    await all.session.flush()

    await expectWritten(all)
  }) // statement 39

  it('keeps a change that was made while it failed', async () => {
    const session = db.open(failingOnce('afterInsert'))
    const memo = make(Memo, { text: 'a' })
    session.add(memo)
    const failing = errorOf(session.flush())
    await Promise.resolve()
    memo.hint = 'meanwhile'
    expect(await failing).toBe(broken)
    await session.flush()

    expect(await db.rows(Memo)).toMatchObject([{ text: 'a', hint: 'meanwhile' }])
  })

  it('keeps what was added while it failed, in the order of add', async () => {
    const session = db.open(failingOnce('afterInsert'))
    session.add(make(Memo, { text: 'a' }), make(Memo, { text: 'b' }))
    const failing = errorOf(session.flush())
    await new Promise((resolve) => setImmediate(resolve))
    session.add(make(Memo, { text: 'c' }))
    expect(await failing).toBe(broken)
    await session.flush()

    expect(await db.column(Memo, 'text')).toEqual(['a', 'b', 'c'])
  }) // statements 20 and 39

  it('drops an object that was deleted while it failed', async () => {
    let reached: (() => void) | undefined
    let goOn: (() => void) | undefined
    const isReached = new Promise<void>((resolve) => (reached = resolve))
    const gate = new Promise<void>((resolve) => (goOn = resolve))
    const session = db.open({
      async afterInsert() {
        reached!()
        await gate
        throw broken
      },
    })
    const memo = make(Memo, { text: 'a' })
    session.add(memo)
    const failing = errorOf(session.flush())
    await isReached
    session.delete(memo)
    goOn!()
    expect(await failing).toBe(broken)

    expect(session.state(memo).status).toBe('detached')
    expect(await db.sent(() => session.flush())).toEqual([])
  })

  it('inside a transaction dooms it after statements were sent, and its work is pending after the rollback', async () => {
    const session = db.open(failingOnce('afterInsert'))
    await session.begin()
    session.add(make(Memo, { text: 'a' }))
    expect(await errorOf(session.flush())).toBe(broken)

    expect(await errorOf(session.commit())).toMatchObject({ code: 'TRANSACTION_ROLLBACK_ONLY', message: expect.stringContaining('broken') })
    expect(session.scope).toBeNull()
    session.add(make(Memo, { text: 'b' }))
    await session.flush()
    expect(await db.column(Memo, 'text')).toEqual(['b'])
  }) // statement 39

  it('inside a transaction before any statement leaves it usable', async () => {
    const session = db.open(failingOnce('beforeInsert'))
    await session.begin()
    session.add(make(Memo, { text: 'a' }))
    expect(await errorOf(session.flush())).toBe(broken)
    await session.commit()

    expect(await db.column(Memo, 'text')).toEqual(['a'])
  }) // statement 39

  it.each<keyof Hooks>(['afterInsert', 'afterFlush'])('in %s inside a transaction can be retried there with savepoints', async (name) => {
    const session = db.open(failingOnce(name), { savepoints: true })
    await session.begin()
    session.add(make(Memo, { text: 'earlier' }))
    await errorOf(session.flush()).catch(() => undefined)
    const memo = [...session.uow.new][0] as Memo
    expect(memo.id).toBeUndefined()
    await session.flush()
    await session.commit()

    expect(await db.column(Memo, 'text')).toEqual(['earlier'])
  }) // statement 39

  it('with a database error inside a transaction can be retried there with savepoints', async () => {
    await db.save(Hall, { name: 'east' })
    const session = db.open({}, { savepoints: true })
    await session.begin()
    session.add(make(Memo, { text: 'earlier' }))
    await session.flush()
    const hall = make(Hall, { name: 'east' })
    session.add(make(Memo, { text: 'same flush' }), hall)
    await errorOf(session.flush())
    hall.name = 'west'
    await session.flush()
    await session.commit()

    expect(await db.column(Memo, 'text')).toEqual(['earlier', 'same flush'])
    expect(await db.column(Hall, 'name')).toEqual(['east', 'west'])
  }) // statements 37 and 39, S9

  it('counts its version once', async () => {
    await db.save(Account, { name: 'a' })
    const session = db.open(failingOnce('afterUpdate'))
    const account = await session.find(Account).one()
    account.balance = 1
    await errorOf(session.flush())
    expect(account.version).toBe(1)
    await session.flush()

    expect(account.version).toBe(2)
    expect(await db.rows(Account)).toMatchObject([{ balance: 1, version: 2 }])
  })
})

describeDatabase(
  'a constraint that is checked at COMMIT',
  () => {
    it('fails the flush, whose work is pending and can be mended', async () => {
      const committed: number[] = []
      const session = db.open({ afterCommit: (changes) => void committed.push(changes.length) })
      const lease = make(Lease, { id: 1, tenantId: 7 })
      session.add(lease)
      const error = await errorOf(session.flush())

      expect(error.message).toMatch(/foreign key/i)
      expect([session.state(lease).status, committed]).toEqual(['new', []])
      session.add(make(Tenant, { id: 7 }))
      await session.flush()
      expect([await db.column(Lease, 'id'), committed]).toEqual([[1], [2]])
    }) // statement 39

    it('fails the commit of a transaction, which restores its objects', async () => {
      const told: string[] = []
      const session = db.open({ afterRollback: (changes) => void told.push(`${changes.length} undone`) })
      await session.begin()
      const lease = make(Lease, { id: 1, tenantId: 7 })
      session.add(lease)
      await session.flush()
      const error = await errorOf(session.commit())

      expect(hasErrorCode(error, 'TRANSACTION_ROLLBACK_ONLY')).toBe(false)
      expect(error.message).toMatch(/foreign key/i)
      expect([session.scope, session.state(lease).status, told]).toEqual([null, 'detached', ['1 undone']])
      await db.save(Tenant, { id: 7 })
      session.add(lease)
      await session.flush()
      expect(await db.column(Lease, 'id')).toEqual([1])
    })
  },
  databaseName() === 'mariadb' ? [] : ['postgres', 'sqlite', 'better-sqlite3'],
)
