/**
 * What hooks may add to the flush they run in, and to the commit around it.
 *
 * @module
 */
import type { SessionExtension } from 'flushpoint'
import { describeDatabase } from '../support/databases.js'
import { errorOf, make, useSessions } from '../support/sessions.js'
import { Folder, Hall, Memo, Plate } from '../support/ties.js'

const db = useSessions()
const isMemo = (entity: object): entity is Memo => entity instanceof Memo

describeDatabase('hooks of a flush', () => {
  it.each(['beforeFlush', 'beforeInsert'] as const)('write what they add in %s in the same flush', async (name) => {
    const session = db.open({
      [name](this: SessionExtension) {
        if (this.session.uow.new.size === 1) this.session.add(make(Memo, { text: 'by hook' }))
      },
    })
    session.add(make(Hall, { name: 'east' }))
    const result = await session.flush()

    expect(result.inserted).toBe(2)
    expect(await db.column(Memo, 'text')).toEqual(['by hook'])
  }) // statement 29, M9

  it.each(['afterInsert', 'afterFlush', 'beforeCommit'] as const)('write what they add in %s before the commit', async (name) => {
    let isDone = false
    const session = db.open({
      [name](this: SessionExtension) {
        if (!isDone) this.session.add(make(Memo, { text: 'by hook' }))
        isDone = true
      },
    })
    session.add(make(Hall, { name: 'east' }))
    const sent = await db.sent(() => session.flush())

    expect(sent.filter((line) => /BEGIN|INSERT|COMMIT/.test(line))).toEqual(['BEGIN', 'INSERT hall', 'INSERT memo', 'COMMIT'])
    expect(await db.column(Memo, 'text')).toEqual(['by hook'])
  }) // statement 30, M9

  it('write what they change and delete in afterFlush before the commit', async () => {
    await db.save(Plate, { id: 1, code: 'A' }, { id: 2, code: 'B' })
    let isDone = false
    const session = db.open({
      async afterFlush() {
        if (isDone) return
        isDone = true
        const [one, two] = await this.session.find(Plate).order({ id: 'ASC' }).all()
        one!.code = 'C'
        this.session.delete(two!)
      },
    })
    session.add(make(Hall, { name: 'east' }))
    await session.flush()

    expect(await db.column(Plate, 'code')).toEqual(['C'])
  }) // statement 30, M9

  it('write what entity hooks change on their entity', async () => {
    const session = db.open({
      beforeInsert: (entity) => void (isMemo(entity) && (entity.hint = 'before')),
      afterInsert: (entity) => void (isMemo(entity) && (entity.mood = 'after')),
    })
    const memo = make(Memo, { text: 'a' })
    session.add(memo)
    await session.flush()

    expect(await db.rows(Memo)).toMatchObject([{ hint: 'before', mood: 'after' }])
  })

  it.each(['beforeFlush', 'beforeInsert', 'afterInsert', 'afterFlush'] as const)('may not flush in %s', async (name) => {
    const session = db.open({
      async [name](this: SessionExtension) {
        await this.session.flush()
      },
    })
    session.add(make(Memo, { text: 'a' }))
    expect(await errorOf(session.flush())).toMatchObject({ code: 'FLUSH_IN_HOOK', message: expect.stringContaining('flush') })

    expect(await db.rows(Memo)).toEqual([])
    await session.withExtensions([], () => Promise.resolve()).catch(() => undefined)
    expect(session.uow.new.size + (await db.rows(Memo)).length).toBe(1)
  }) // statement 29

  it('do not run for objects without net change, nor for flushes without work', async () => {
    await db.save(Memo, { text: 'a' })
    const seen: string[] = []
    const session = db.open({ beforeUpdate: () => void seen.push('before'), afterUpdate: () => void seen.push('after') })
    const memo = await session.find(Memo).one()
    memo.text = 'b'
    memo.text = 'a'

    expect(await db.sent(() => session.flush())).toEqual([])
    expect(seen).toEqual([])
  }) // S6

  it('are stopped after a hundred rounds of new work before the SQL, and the hook is named', async () => {
    let made = 0
    const session = db.open({
      beforeInsert(entity) {
        if (isMemo(entity)) this.session.add(make(Memo, { text: `${++made}` }))
      },
    })
    session.add(make(Memo, { text: 'first' }))
    const error = await errorOf(session.flush())

    expect(error).toMatchObject({ code: 'FLUSH_NEVER_SETTLES', message: expect.stringMatching(/100 rounds.*beforeInsert of Memo/) })
    expect(made).toBeLessThanOrEqual(101)
    expect(await db.rows(Memo)).toEqual([])
    session.clear()
    session.add(make(Hall, { name: 'usable' }))
    await session.flush()
    expect(await db.column(Hall, 'name')).toEqual(['usable'])
  }) // statement 30

  it.each(['afterInsert', 'afterFlush'] as const)(
    'are stopped after a hundred rounds of new work in %s, and the hook is named',
    async (name) => {
      let made = 0
      const session = db.open({
        [name](this: SessionExtension) {
          this.session.add(make(Memo, { text: `${++made}` }))
        },
      })
      session.add(make(Memo, { text: 'first' }))
      const error = await errorOf(session.flush())

      expect(error).toMatchObject({ code: 'FLUSH_NEVER_SETTLES', message: expect.stringMatching(new RegExp(`100 rounds.*${name}`)) })
      expect(await db.rows(Memo)).toEqual([])
      session.clear()
      expect(session.scope).toBeNull()
    },
  ) // statement 30

  it('may add work in a hundred rounds', async () => {
    let made = 0
    const session = db.open({
      afterInsert() {
        if (++made < 100) this.session.add(make(Hall, { name: `hall ${made}` }))
      },
    })
    session.add(make(Hall, { name: 'first' }))
    await session.flush()

    expect(await db.rows(Hall)).toHaveLength(100)
  }) // statement 30

  it('can write a row that carries the generated key of another in the same transaction', async () => {
    const session = db.open({
      afterInsert(entity) {
        if (!isMemo(entity)) this.session.add(make(Memo, { text: `created ${(entity as Folder).id}` }))
      },
    })
    const folder = make(Folder, { name: 'root' })
    session.add(folder)
    const sent = await db.sent(() => session.flush())

    expect(sent.filter((line) => line === 'COMMIT')).toHaveLength(1)
    expect(await db.column(Memo, 'text')).toEqual([`created ${folder.id}`])
  }) // M11

  it('hear bulk statements of the session', async () => {
    await db.save(Memo, { text: 'a' }, { text: 'b' })
    const told: string[] = []
    const session = db.open({
      beforeBulk: ({ kind }) => void told.push(`before ${kind}`),
      afterBulk: ({ kind, affected }) => void told.push(`after ${kind} of ${affected}`),
    })
    await session.manager.update(Memo, { mood: 'draft' }, { mood: 'calm' })
    await session.manager.createQueryBuilder().update(Memo).set({ mood: 'wild' }).execute()
    await session.manager.delete(Memo, { text: 'a' })
    await session.manager.insert(Memo, { text: 'c' })

    expect(told.map((line) => line.replace(/ of undefined$/, ''))).toEqual([
      'before update',
      'after update of 2',
      'before update',
      'after update of 2',
      'before delete',
      'after delete of 1',
      'before insert',
      expect.stringMatching(/^after insert/),
    ])
  }) // M14, S7
})
