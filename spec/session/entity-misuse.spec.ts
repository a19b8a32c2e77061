/**
 * Calls that a session refuses: for entities of others, detached ones, things that are no entities, and once it is closed; it goes on after each.
 *
 * @module
 */
import { openSession, type OpenSession } from 'flushpoint'
import { describeDatabase } from '../support/databases.js'
import { Article, Author, Comment, make, Note, Tag } from '../support/models.js'
import { CLEAN, codeOf, errorOf, expectClean, naming, openWithSession, standing } from '../support/opened-session.js'

async function withAuthor() {
  const opened = await openWithSession()
  const { id } = await opened.dataSource.manager.save(make(Author, { name: 'Ann' }))
  const count = (name: string) => opened.dataSource.manager.countBy(Author, { name })
  return { ...opened, id, count, exists: () => opened.dataSource.manager.existsBy(Author, { id }) }
}

/** "OpenSession #3" */
const nameOf = (session: OpenSession) => /^\w+ #\d+/.exec(String(session))![0]
const status = (session: OpenSession, entity: object) => session.state(entity).status

describeDatabase('an entity of another open session', () => {
  it('is refused by every method, with both sessions named', async () => {
    const { session, another, dataSource, sent } = await openWithSession() // statement 5, ming row 104
    const { id } = await dataSource.manager.save(make(Note, { text: 'n' }))
    const note = await session.getOrFail(Note, id)
    const other = another()
    const calls: Record<string, () => unknown> = {
      add: () => other.add(note),
      delete: () => other.delete(note),
      softRemove: () => other.softRemove(note),
      recover: () => other.recover(note),
      expunge: () => other.expunge(note),
      expire: () => other.expire(note),
      refresh: () => other.refresh(note),
      flush: () => other.flush(note),
    }
    for (const [method, call] of Object.entries(calls)) expect([method, await codeOf(call)]).toEqual([method, 'ENTITY_IN_OTHER_SESSION'])
    const { message } = (await errorOf(() => other.add(note))) as Error
    expect(message).toEqual(naming('Note', id))
    for (const part of [nameOf(session), nameOf(other)]) expect(message).toContain(part)
    expect(standing(session, note)).toEqual(CLEAN)
    await expectClean(other, sent)
    const fresh = make(Author, { name: 'other' })
    other.add(fresh)
    expect(await other.flush()).toMatchObject({ inserted: 1 })
  })

  it('is refused where it is new there, too', async () => {
    const { session, another } = await openWithSession()
    const author = make(Author, { name: 'mine' })
    session.add(author)
    expect(await codeOf(() => another().add(author))).toBe('ENTITY_IN_OTHER_SESSION')
    expect(await session.flush()).toMatchObject({ inserted: 1 })
  })

  it('is refused in a relation, before any SQL', async () => {
    const { session, another, id, sent } = await withAuthor()
    const author = await session.getOrFail(Author, id)
    const other = another()
    const article = make(Article, { title: 'mixed' })
    other.add(article)
    article.comments = [make(Comment, { text: 'ok' })]
    article.tags = []
    const tag = make(Tag, { name: `theirs ${id}` })
    session.add(tag)
    article.tags.push(tag)
    sent.clear()
    expect(await codeOf(() => other.flush())).toBe('ENTITY_IN_OTHER_SESSION')
    expect(sent.sql().filter((sql) => /^(INSERT|UPDATE|DELETE)/.test(sql))).toEqual([])
    article.tags.length = 0
    expect(await other.flush()).toMatchObject({ inserted: 2 })
    expect(session.state(author).status).toBe('clean')
  })

  it('is welcome once that session has let go of it or is closed', async () => {
    const { session, another, id } = await withAuthor()
    const author = await session.getOrFail(Author, id)
    const other = another()
    session.expunge(author)
    other.add(author)
    author.name = 'moved'
    expect(await other.flush()).toMatchObject({ updated: 1 })
    await other.close()
    session.add(author)
    expect(standing(session, author)).toEqual(CLEAN)
  })
})

describeDatabase('a detached entity', () => {
  it('that was changed is not written by flush, and flush of it is refused', async () => {
    const { session, id, count, sent } = await withAuthor()
    const author = await session.getOrFail(Author, id)
    session.expunge(author)
    author.name = `lost ${id}`
    await expectClean(session, sent)
    expect(await codeOf(() => session.flush(author))).toBe('ENTITY_STATE_WRONG') // ming row 100
    expect(await errorOf(() => session.flush(author))).toMatchObject({ message: naming('Author', id) })
    expect(await count(`lost ${id}`)).toBe(0)
    session.add(author)
    await session.flush(author)
    expect(await count(`lost ${id}`)).toBe(1)
  })

  it('is refused by refresh and expire', async () => {
    const { session, id } = await withAuthor()
    const author = make(Author, { id, name: 'x' })
    expect(await codeOf(() => session.refresh(author))).toBe('ENTITY_STATE_WRONG')
    expect(await codeOf(() => session.expire(author))).toBe('ENTITY_STATE_WRONG')
    expect(await codeOf(() => session.refresh(make(Author, { name: 'new' })))).toBe('ENTITY_STATE_WRONG')
  })

  it('can be deleted', async () => {
    const { session, id, exists } = await withAuthor()
    const author = await session.getOrFail(Author, id)
    session.clear()
    session.delete(author)
    expect(await session.flush()).toMatchObject({ deleted: 1 })
    expect(await exists()).toBe(false)
  })
})

describeDatabase('a session that is closed', () => {
  it('refuses everything and stays closed', async () => {
    const { dataSource, id } = await withAuthor()
    const session = openSession(dataSource)
    const author = await session.getOrFail(Author, id)
    const cursor = session.find(Author, { id })
    await session.close()
    await session.close()
    const calls: Record<string, () => unknown> = {
      add: () => session.add(author),
      delete: () => session.delete(author),
      softRemove: () => session.softRemove(author),
      recover: () => session.recover(author),
      expunge: () => session.expunge(author),
      expire: () => session.expire(author),
      clear: () => session.clear(),
      refresh: () => session.refresh(author),
      merge: () => session.merge(Author, { id }),
      get: () => session.get(Author, id),
      getOrFail: () => session.getOrFail(Author, id),
      find: () => session.find(Author),
      cursor: () => cursor.all(),
      flush: () => session.flush(),
      explain: () => session.explain(),
      begin: () => session.begin(),
      commit: () => session.commit(),
      rollback: () => session.rollback(),
      transaction: () => session.transaction(() => Promise.resolve()),
    }
    for (const [method, call] of Object.entries(calls)) expect([method, await codeOf(call)]).toEqual([method, 'SESSION_CLOSED'])
  })

  it('leaves its entities free for others', async () => {
    const { dataSource, id, session } = await withAuthor()
    const former = openSession(dataSource)
    const author = await former.getOrFail(Author, id)
    await former.close()
    session.add(author)
    author.name = 'free'
    expect(await session.flush()).toMatchObject({ updated: 1 })
  })
})

describeDatabase('something that is no entity', () => {
  it.each([
    ['a plain object', {}],
    ['nothing', null],
    ['a text', 'text'],
    ['an object of an unmapped class', new Date()],
  ])('is refused: %s', async (_what, value) => {
    const { session, sent } = await openWithSession()
    const given = value as object
    expect(await codeOf(() => session.add(given))).toBe('ENTITY_NOT_MAPPED')
    expect(await codeOf(() => session.delete(given))).toBe('ENTITY_NOT_MAPPED')
    expect(await codeOf(() => session.refresh(given))).toBe('ENTITY_NOT_MAPPED')
    expect(await codeOf(() => session.state(given))).toBe('ENTITY_NOT_MAPPED')
    await expectClean(session, sent)
  })

  it('keeps the others of the same call out, too', async () => {
    const { session, sent } = await openWithSession()
    const author = make(Author, { name: 'innocent' })
    expect(await codeOf(() => session.add(author, {}))).toBe('ENTITY_NOT_MAPPED')
    expect(status(session, author)).toBe('detached')
    await expectClean(session, sent)
  })

  it('is refused as the target of a relation to another class, before any SQL', async () => {
    const { session, sent } = await openWithSession()
    const tag = make(Tag, { name: 'tag' })
    session.add(tag)
    await session.flush()
    sent.clear()
    const article = make(Article, { title: 'a', author: tag as never })
    session.add(article)
    expect(await codeOf(() => session.flush())).toBe('RELATION_TARGET_WRONG')
    expect(sent.sql()).toEqual([])
    session.expunge(article)
    await expectClean(session, sent)
  })
})
