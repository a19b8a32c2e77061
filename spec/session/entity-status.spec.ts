/**
 * The states of an entity: which call leads to which, what is refused where, and that a session goes on after it has refused.
 *
 * @module
 */
import { type OpenSession } from 'flushpoint'
import { describeDatabase } from '../support/databases.js'
import { hooks, work } from '../support/hooks.js'
import { Author, make, Note } from '../support/models.js'
import { CLEAN, codeOf, errorOf, expectClean, openWithSession, standing } from '../support/opened-session.js'

async function withAuthor() {
  const opened = await openWithSession()
  const { id } = await opened.dataSource.manager.save(make(Author, { name: 'Ann' }))
  const count = (name: string) => opened.dataSource.manager.countBy(Author, { name })
  return { ...opened, id, count, exists: () => opened.dataSource.manager.existsBy(Author, { id }) }
}

const status = (session: OpenSession, entity: object) => session.state(entity).status

describeDatabase('the status of an entity', () => {
  it('goes from new to clean to dirty to clean to deleted to detached', async () => {
    const { session } = await openWithSession() // ming rows 88 and 90
    const note = make(Note, { text: 'a' })
    expect(status(session, note)).toBe('detached')
    session.add(note)
    expect(status(session, note)).toBe('new')
    await session.flush()
    expect(standing(session, note)).toEqual(CLEAN)
    note.text = 'b'
    expect(status(session, note)).toBe('dirty')
    await session.flush()
    expect(standing(session, note)).toEqual(CLEAN)
    session.delete(note)
    expect(status(session, note)).toBe('deleted')
    await session.flush()
    expect(status(session, note)).toBe('detached')
  })

  it('is deleted from the flush to the end of the transaction', async () => {
    const { session, id } = await withAuthor()
    const author = await session.getOrFail(Author, id)
    await session.begin()
    session.delete(author)
    await session.flush()
    expect([status(session, author), work(session.uow)]).toEqual(['deleted', {}])
    await session.commit()
    expect(status(session, author)).toBe('detached')
  })

  it('is new and not in the database before the flush', async () => {
    const { session, count } = await withAuthor() // ming row 88
    const name = `unflushed ${Math.random()}`
    const author = make(Author, { name })
    session.add(author)
    expect(work(session.uow)).toEqual({ new: [`Author ${name}`] })
    expect(session.state(author)).toMatchObject({ key: {}, original: {} })
    expect(session.state(author).session).toBe(session)
    expect(await count(name)).toBe(0)
    await session.flush()
    expect(await count(name)).toBe(1)
  })

  it('is dirty for a soft-removed and a recovered entity until the flush', async () => {
    const { session, dataSource } = await openWithSession()
    const { id } = await dataSource.manager.save(make(Note, { text: 'n' }))
    const note = await session.getOrFail(Note, id)
    session.softRemove(note)
    expect([status(session, note), work(session.uow)]).toEqual(['dirty', { softRemoved: ['Note n'] }])
    await session.flush()
    expect([status(session, note), note.deletedAt]).toEqual(['clean', expect.any(Date)])
    session.recover(note)
    expect([status(session, note), work(session.uow)]).toEqual(['dirty', { recovered: ['Note n'] }])
    await session.flush()
    expect([status(session, note), note.deletedAt]).toEqual(['clean', null])
  })

  it('is clean when a value is set to what it was', async () => {
    const { session, id, sent } = await withAuthor() // ming row 91
    const author = await session.getOrFail(Author, id)
    author.name = 'Ann'
    expect(standing(session, author)).toEqual(CLEAN)
    await expectClean(session, sent)
  })

  it('is told with what has changed, and with nothing once it was flushed', async () => {
    const { session, id } = await withAuthor()
    const author = await session.getOrFail(Author, id)
    const state = session.state(author)
    author.name = 'Bea'
    expect([state.status, state.key, state.original.name]).toEqual(['dirty', { id }, 'Ann'])
    expect(state.changes).toEqual({ name: { from: 'Ann', to: 'Bea' } })
    expect([state.changed('name'), state.changed('id')]).toEqual([true, false])
    await session.flush()
    expect([state.status, state.changes, state.original.name]).toEqual(['clean', {}, 'Bea'])
  })
})

describeDatabase('a new entity', () => {
  it('becomes transient again by delete, without any SQL', async () => {
    const { session, sent } = await openWithSession() // statement 7, ming row 96
    const heard: string[] = []
    session.registerExtension(hooks({ beforeDelete: () => void heard.push('delete'), beforeInsert: () => void heard.push('insert') }))
    const author = make(Author, { name: 'never' })
    session.add(author)
    session.delete(author)
    expect([status(session, author), heard]).toEqual(['detached', []])
    await expectClean(session, sent)
    expect(heard).toEqual([])
  })

  it('becomes transient again by expunge, and can be added again', async () => {
    const { session, sent, count } = await withAuthor() // statement 6
    const name = `again ${Math.random()}`
    const author = make(Author, { name })
    session.add(author)
    session.expunge(author)
    session.expunge(author)
    expect(status(session, author)).toBe('detached')
    await expectClean(session, sent)
    session.add(author)
    expect(status(session, author)).toBe('new')
    await session.flush()
    expect(await count(name)).toBe(1)
  })

  it('is inserted alone by flush(entity)', async () => {
    const { session, count } = await withAuthor() // ming row 99
    const name = `alone ${Math.random()}`
    const [one, other] = [make(Author, { name }), make(Author, { name: `${name} other` })]
    session.add(one, other)
    expect(await session.flush(one)).toMatchObject({ inserted: 1 })
    expect([status(session, one), status(session, other)]).toEqual(['clean', 'new'])
    expect([await count(name), await count(`${name} other`)]).toEqual([1, 0])
    expect(await session.get(Author, one.id)).toBe(one)
    expect(await session.flush()).toMatchObject({ inserted: 1 })
  })

  it('is added once, however often it is added', async () => {
    const { session } = await openWithSession()
    const author = make(Author, { name: 'once' })
    session.add(author, author)
    session.add(author)
    expect(await session.flush()).toMatchObject({ inserted: 1 })
    session.add(author)
    expect(status(session, author)).toBe('clean')
  })

  it('that its constructor did not finish leaves nothing in the session', async () => {
    const { session, sent } = await openWithSession() // ming row 89
    class Broken extends Author {
      constructor() {
        super()
        throw new Error('no author today')
      }
    }
    expect(await errorOf(() => session.add(new Broken()))).toMatchObject({ message: 'no author today' })
    await expectClean(session, sent)
  })
})

describeDatabase('an entity with a row', () => {
  it('becomes detached by expunge, and is back by add without any SQL', async () => {
    const { session, id, sent, count } = await withAuthor() // statement 6, ming row 102
    const author = await session.getOrFail(Author, id)
    author.name = `kept ${id}`
    session.expunge(author)
    expect([status(session, author), work(session.uow)]).toEqual(['detached', {}])
    await expectClean(session, sent)
    session.expunge(author)
    session.add(author)
    expect(sent.sql()).toEqual([])
    expect(session.state(author).changes).toEqual({ name: { from: 'Ann', to: `kept ${id}` } })
    expect(await session.get(Author, id)).toBe(author)
    expect(await session.flush()).toMatchObject({ inserted: 0, updated: 1 })
    expect(await count(`kept ${id}`)).toBe(1)
  })

  it('becomes detached by clear and by close, unwritten', async () => {
    const { session, id, sent, another } = await withAuthor() // ming row 103
    const heard: string[] = []
    session.registerExtension(hooks({ beforeFlush: () => void heard.push('flush') }))
    const author = await session.getOrFail(Author, id)
    const added = make(Author, { name: 'new' })
    session.add(added)
    author.name = 'pending'
    sent.clear()
    session.clear()
    expect([status(session, author), status(session, added), work(session.uow), heard]).toEqual(['detached', 'detached', {}, []])
    await expectClean(session, sent)
    const other = another()
    other.add(author)
    expect(status(other, author)).toBe('dirty')
    await other.close()
    expect((await session.getOrFail(Author, id)).name).toBe('Ann')
  })

  it('is taken out of the unit of work and of the identity map by delete and flush', async () => {
    const { session, id, exists, sent } = await withAuthor() // ming rows 95 and 98
    const author = await session.getOrFail(Author, id)
    session.delete(author)
    expect(await exists()).toBe(true)
    expect(await session.flush(author)).toMatchObject({ deleted: 1 })
    expect(await exists()).toBe(false)
    expect([work(session.uow), status(session, author)]).toEqual([{}, 'detached'])
    await expectClean(session, sent)
    expect(await session.get(Author, id)).toBeNull()
    expect(author).toMatchObject({ id, name: 'Ann' })
  })

  it('stays deleted when it is changed after delete', async () => {
    const { session, id, exists } = await withAuthor() // ming row 97
    const author = await session.getOrFail(Author, id)
    session.delete(author)
    author.name = 'changed'
    expect([status(session, author), work(session.uow)]).toEqual(['deleted', { deleted: ['Author changed'] }])
    expect(await session.flush()).toMatchObject({ deleted: 1, updated: 0 })
    expect(await exists()).toBe(false)
    author.name = 'changed again'
    expect(await session.flush()).toMatchObject({ updated: 0, statements: 0 })
  })

  it('is kept when it is added again after delete, with its changes', async () => {
    const { session, id, count } = await withAuthor()
    const author = await session.getOrFail(Author, id)
    author.name = `saved ${id}`
    session.delete(author)
    session.add(author)
    expect(status(session, author)).toBe('dirty')
    expect(await session.flush()).toMatchObject({ deleted: 0, updated: 1 })
    expect(await count(`saved ${id}`)).toBe(1)
  })

  it('that was deleted can be inserted again', async () => {
    const { session, id, exists } = await withAuthor()
    const author = await session.getOrFail(Author, id)
    session.delete(author)
    await session.flush()
    session.add(author)
    expect(status(session, author)).toBe('new')
    expect(await session.flush()).toMatchObject({ inserted: 1 })
    expect([await exists(), author.id]).toEqual([true, id])
  })

  it('can be deleted by key without being loaded', async () => {
    const { session, id, exists } = await withAuthor()
    session.delete(make(Author, { id, name: 'Ann' }))
    expect(await session.flush()).toMatchObject({ deleted: 1 })
    expect(await exists()).toBe(false)
  })

  it('cannot be deleted without a key', async () => {
    const { session, sent } = await openWithSession()
    expect(await codeOf(() => session.delete(make(Author, { name: 'nobody' })))).toBe('ENTITY_STATE_WRONG')
    await expectClean(session, sent)
  })
})
