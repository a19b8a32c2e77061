/**
 * What a flush tells its caller when it is done.
 *
 * @module
 */
import { openSession, type FlushResult, type OpenSession } from 'flushpoint'
import { errorOf, sessionExtension, useDatabase } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { Article, Author, Comment, make, Note, Tag } from '../support/models.js'

const author = (name: string) => make(Author, { name })
const counts = ({ inserted, updated, deleted, softRemoved, recovered }: FlushResult) => ({
  inserted,
  updated,
  deleted,
  softRemoved,
  recovered,
})
const NONE = { inserted: 0, updated: 0, deleted: 0, softRemoved: 0, recovered: 0 }

describeDatabase('the result of a flush', () => {
  let session: OpenSession
  afterEach(() => session.close()) // before the tables are emptied
  const database = useDatabase()
  beforeEach(() => void (session = openSession(database.ds)))

  it('counts rows of each kind', async () => {
    await database.ds.manager.save([author('Ann'), author('Bob'), make(Note, { text: 'n1' }), make(Note, { text: 'n2' })] as object[])
    await database.ds.manager.softDelete(Note, { text: 'n2' })
    const gone = await database.ds.manager.findOneOrFail(Note, { where: { text: 'n2' }, withDeleted: true })
    const [ann, bob] = await session.find(Author).order({ name: 'ASC' })
    const note = await session.find(Note).one()
    ann!.name = 'Anna'
    session.delete(bob!)
    session.softRemove(note)
    session.recover(gone)
    session.add(make(Tag, { name: 'red' }), make(Tag, { name: 'blue' }))
    expect(counts(await session.flush())).toEqual({ inserted: 2, updated: 1, deleted: 1, softRemoved: 1, recovered: 1 })
  })

  it('counts each entity of a graph once, and no rows of junctions', async () => {
    const tags = [make(Tag, { name: 'red' }), make(Tag, { name: 'blue' })]
    session.add(make(Author, { name: 'Ann', articles: [make(Article, { title: 'a', tags, comments: [make(Comment, { text: 'c' })] })] }))
    expect(counts(await session.flush())).toEqual({ ...NONE, inserted: 5 })
  })

  it('is all zero, statements too, where nothing is pending', async () => {
    await session.find(Author)
    const recording = recordStatements(database.ds)
    const result = await session.flush()
    expect([counts(result), result.statements, recording.statements.length]).toEqual([NONE, 0, 0])
    expect(result.durationMs).toBeGreaterThanOrEqual(0)
    recording.stop()
  })

  it('counts statements as the database got them, BEGIN and COMMIT included', async () => {
    const recording = recordStatements(database.ds)
    session.add(author('Ann'), make(Tag, { name: 'red' }))
    const own = await session.flush()
    expect(own.statements).toBe(recording.statements.filter(({ sql }) => !/isolation/i.test(sql)).length)
    await session.begin()
    recording.clear()
    session.add(author('Bob'))
    const inside = await session.flush()
    expect(inside.statements).toBe(recording.statements.length)
    await session.commit()
    recording.stop()
  })

  it('counts what hooks send and add as part of it', async () => {
    session.registerExtension(
      sessionExtension({
        beforeInsert(entity) {
          if (entity instanceof Author) this.session.add(make(Tag, { name: 'by the hook' }))
        },
        async afterInsert(entity) {
          if (entity instanceof Tag) await this.session.find(Author).count()
        },
      }),
    )
    const recording = recordStatements(database.ds)
    session.add(author('Ann'))
    const result = await session.flush()
    expect(counts(result)).toEqual({ ...NONE, inserted: 2 })
    expect(result.statements).toBe(recording.statements.length)
    recording.stop()
  })

  it('is the time the flush took, waiting hooks included', async () => {
    session.registerExtension(sessionExtension({ beforeFlush: () => new Promise<void>((resolve) => setTimeout(resolve, 30)) }))
    session.add(author('Ann'))
    const { durationMs } = await session.flush()
    expect(durationMs).toBeGreaterThanOrEqual(25)
  })

  it('is about that entity alone in a flush of one', async () => {
    const [ann, bob] = [author('Ann'), author('Bob')]
    session.add(ann, bob)
    expect(counts(await session.flush(bob))).toEqual({ ...NONE, inserted: 1 })
    expect(counts(await session.flush())).toEqual({ ...NONE, inserted: 1 })
  })

  it('cannot be changed, and is the same for callers whose flushes ran as one', async () => {
    session.add(author('Ann'))
    const [first, second] = await Promise.all([session.flush(), session.flush()])
    expect(Object.isFrozen(first)).toBe(true)
    expect(first.inserted + (second === first ? 0 : second.inserted)).toBe(1)
  })

  it('is none after an error; the next one tells of what was still pending', async () => {
    await database.ds.manager.save(make(Tag, { name: 'red' }))
    const red = make(Tag, { name: 'red' })
    session.add(author('Ann'), red)
    await errorOf(session.flush())
    red.name = 'blue'
    expect(counts(await session.flush())).toEqual({ ...NONE, inserted: 2 })
  })
})
