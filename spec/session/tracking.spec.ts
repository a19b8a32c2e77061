/**
 * What a session keeps of its entities beside flush and query: autoflush, writes by others, bulk statements, the order of work.
 *
 * @module
 */
import { describeDatabase } from '../support/databases.js'
import { hooks, work } from '../support/hooks.js'
import { Article, Author, make, Note } from '../support/models.js'
import { CLEAN, codeOf, errorOf, expectClean, naming, openWithSession, standing } from '../support/opened-session.js'

async function withAuthors(count = 1, options: Parameters<typeof openWithSession>[0] = {}) {
  const opened = await openWithSession(options)
  const { manager } = opened.dataSource
  const mark = `${Math.random()}`
  const saved = await manager.save(Array.from({ length: count }, (_none, index) => make(Author, { name: `${index} ${mark}` })))
  const heard: string[] = []
  opened.session.registerExtension(
    hooks({
      beforeFlush: () => void heard.push('beforeFlush'),
      afterFlush: () => void heard.push('afterFlush'),
      beforeUpdate: (entity) => void heard.push(`update ${(entity as Author).name}`),
      beforeDelete: (entity) => void heard.push(`delete ${(entity as Author).name}`),
      beforeBulk: (statement) => void heard.push(`beforeBulk ${statement.kind}`),
      afterBulk: (statement) => void heard.push(`afterBulk ${statement.kind} ${statement.affected}`),
      afterAttach: (entity) => void heard.push(`attach ${(entity as Author).name}`),
      afterDetach: (entity) => void heard.push(`detach ${(entity as Author).name}`),
    }),
  )
  return { ...opened, manager, mark, ids: saved.map(({ id }) => id), heard }
}

describeDatabase('autoflush', () => {
  it('is off by default: a query does not see what is pending', async () => {
    const { session, mark, heard, ids } = await withAuthors() // ming row 107
    const author = await session.getOrFail(Author, ids[0]!)
    author.name = `pending ${mark}`
    expect(await session.find(Author, { name: `pending ${mark}` })).toEqual([])
    expect(heard).toEqual([])
  })

  it('writes what is pending before a query, with both flush hooks', async () => {
    const { session, mark, heard, ids } = await withAuthors(1, { autoflush: true }) // statement 28, ming row 107
    const author = await session.getOrFail(Author, ids[0]!)
    author.name = `pending ${mark}`
    expect(await session.find(Author, { name: `pending ${mark}` })).toEqual([author])
    expect(heard).toEqual(['beforeFlush', `update pending ${mark}`, 'afterFlush'])
    expect(await session.find(Author, { name: `pending ${mark}` }).count()).toBe(1)
    expect(heard).toHaveLength(3)
  })

  it('leaves a get alone that needs no query', async () => {
    const { session, mark, heard, ids, sent } = await withAuthors(1, { autoflush: true }) // ming row 108
    const author = await session.getOrFail(Author, ids[0]!)
    author.name = `pending ${mark}`
    sent.clear()
    expect(await session.get(Author, ids[0]!)).toBe(author)
    expect([sent.sql(), heard]).toEqual([[], []])
  })

  it('is left out inside of noAutoflush', async () => {
    const { session, mark, ids, heard } = await withAuthors(1, { autoflush: true })
    const author = await session.getOrFail(Author, ids[0]!)
    author.name = `pending ${mark}`
    const found = await session.noAutoflush(() => session.find(Author, { name: `pending ${mark}` }).all())
    expect([found, heard, standing(session, author).status]).toEqual([[], [], 'dirty'])
    expect(await session.find(Author, { name: `pending ${mark}` })).toHaveLength(1)
  })

  it('tells of an error that it comes of it, and leaves everything pending', async () => {
    const { session, mark, ids } = await withAuthors(1, { autoflush: true }) // statement 28
    const author = await session.getOrFail(Author, ids[0]!)
    const veto = new Error('not today')
    session.registerExtension(hooks({ beforeUpdate: () => Promise.reject(veto) }))
    author.name = `pending ${mark}`
    const error = await errorOf(() => session.find(Author).limit(1).all())
    expect(error).toMatchObject({ code: 'AUTOFLUSH_FAILED', cause: veto, message: expect.stringContaining('not today') as string })
    expect(standing(session, author)).toMatchObject({ status: 'dirty', changed: ['name'] })
  })
})

describeDatabase('a row that somebody else has removed', () => {
  it('is told by an update, with nothing written and everything still pending', async () => {
    const { session, manager, ids, mark } = await withAuthors(3) // statement 25, M7, ming row 105
    const authors = await session
      .find(
        Author,
        ids.map((id) => ({ id })),
      )
      .order({ id: 'ASC' })
    await manager.delete(Author, ids[1]!)
    for (const author of authors) author.name = `late ${mark}`
    const error = await errorOf(() => session.flush())
    expect(error).toMatchObject({ code: 'ROWS_STALE', message: naming('Author', ids[1]!) })
    expect(await manager.countBy(Author, { name: `late ${mark}` })).toBe(0)
    expect(authors.map((author) => session.state(author).status)).toEqual(['dirty', 'dirty', 'dirty'])
    session.expunge(authors[1]!)
    expect(await session.flush()).toMatchObject({ updated: 2 })
    expect(await manager.existsBy(Author, { id: ids[1]! })).toBe(false)
  })

  it('is told by a delete', async () => {
    const { session, manager, ids } = await withAuthors()
    const author = await session.getOrFail(Author, ids[0]!)
    await manager.delete(Author, ids[0]!)
    session.delete(author)
    expect(await errorOf(() => session.flush())).toMatchObject({ code: 'ROWS_STALE', message: naming('Author', ids[0]!) })
    expect(session.state(author).status).toBe('deleted')
    session.expunge(author)
    expect(await session.flush()).toMatchObject({ deleted: 0 })
  })
})

describeDatabase('a bulk statement in a session', () => {
  it('leaves the entities of the session as they are, and is heard', async () => {
    const { session, ids, mark, heard, sent } = await withAuthors(2) // ming rows 109 and 110, M14
    const author = await session.getOrFail(Author, ids[0]!)
    await session.begin()
    await session.manager.update(Author, ids, { name: `bulk ${mark}` })
    expect(heard).toEqual(['beforeBulk update', 'afterBulk update 2'])
    expect(standing(session, author)).toEqual(CLEAN)
    expect(author.name).toBe(`0 ${mark}`)
    await session.refresh(author)
    expect(author.name).toBe(`bulk ${mark}`)
    await session.commit()
    await expectClean(session, sent)
  })

  it('that removes a row leaves its entity until it is written or read again', async () => {
    const { session, ids } = await withAuthors()
    const author = await session.getOrFail(Author, ids[0]!)
    await session.begin()
    await session.manager.delete(Author, ids[0]!)
    expect(await session.get(Author, ids[0]!)).toBe(author)
    expect(await codeOf(() => session.refresh(author))).toBe('ROW_GONE')
    await session.rollback()
    expect(await session.refresh(author)).toBe(author)
  })
})

describeDatabase('the unit of work', () => {
  it('is told in the order in which it will be written: as it was added, deletes by key', async () => {
    const { session, ids } = await withAuthors(3) // ming row 101
    const notes = ['a', 'b', 'c'].map((text) => make(Note, { text }))
    session.add(notes[2]!, notes[0]!)
    session.add(notes[1]!, notes[2]!)
    const [first, second, third] = await session
      .find(
        Author,
        ids.map((id) => ({ id })),
      )
      .order({ id: 'ASC' })
    session.delete(third!, first!)
    second!.name = 'changed'
    expect(work(session.uow).new).toEqual(['Note c', 'Note a', 'Note b'])
    expect([...session.uow.deleted]).toEqual([first, third])
    expect([...session.uow.dirty]).toEqual([second])
    await session.flush()
    const [a, b, c] = notes.map(({ id }) => id)
    expect(c! < a! && a! < b!).toBe(true) // statement 20
  })

  it('is a copy that does not change after it was read', async () => {
    const { session, ids } = await withAuthors() // ming row 25
    const author = await session.getOrFail(Author, ids[0]!)
    author.name = 'changed'
    const { dirty, new: added } = session.uow
    session.add(make(Note, { text: 'n' }))
    await session.flush()
    expect([[...dirty], [...added]]).toEqual([[author], []])
    expect(work(session.uow)).toEqual({})
  })

  it('and the session print themselves', async () => {
    const { session, ids } = await withAuthors()
    const author = await session.getOrFail(Author, ids[0]!)
    author.name = 'changed'
    session.add(make(Note, { text: 'n' }))
    expect(String(session.uow)).toMatch(/1 new.*1 dirty|new: 1.*dirty: 1|new.*Note.*dirty.*Author/s)
    expect(String(session)).toMatch(/^OpenSession #\d+ /)
    expect(String(session.state(author))).toBe(`dirty Author {"id":${ids[0]!}}`)
    await session.close()
    expect(String(session)).toContain('closed')
  })

  it('tells extensions of each entity that comes and goes by hand, and none of a clear', async () => {
    const { session, ids, heard } = await withAuthors(1)
    const author = await session.getOrFail(Author, ids[0]!)
    const added = make(Author, { name: 'added' })
    session.add(added)
    session.add(added)
    session.expunge(added)
    session.expunge(author)
    session.add(author)
    expect(heard).toEqual(['attach added', 'detach added', `detach ${author.name}`, `attach ${author.name}`])
    heard.length = 0
    session.clear()
    expect(heard).toEqual([]) // ming row 103
  })

  it('takes an entity that a relation leads to only where it cascades', async () => {
    const { session } = await openWithSession()
    const article = make(Article, { title: 'a', author: make(Author, { name: 'cascaded' }) })
    session.add(article)
    expect(work(session.uow)).toEqual({ new: expect.arrayContaining(['Article a', 'Author cascaded']) as string[] })
    expect(session.state(article.author!).status).toBe('new')
  })
})
