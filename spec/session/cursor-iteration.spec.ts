/**
 * Reading a large result in a loop: in pages, with bounded memory, undisturbed by what the loop does to the rows.
 *
 * @module
 */
import { openSession, type OpenSession } from 'flushpoint'
import { ILike, IsNull } from 'typeorm'
import { errorOf, useDatabase } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { Article, Author, Comment, make, Tag } from '../support/models.js'
import { Part } from '../support/columns.js'

const trackedBy = (session: OpenSession) => Number(/(\d+) tracked/.exec(String(session))![1])
const padded = (value: number) => String(value).padStart(5, '0')

describeDatabase('a loop over a cursor', () => {
  let session: OpenSession
  afterEach(() => session.close()) // before the tables are emptied
  const database = useDatabase([Author, Article, Tag, Comment, Part])
  beforeEach(() => void (session = openSession(database.ds)))

  const insert = (count: number) =>
    database.ds.manager.insert(
      Article,
      Array.from({ length: count }, (_none, index) => ({ title: padded(index) })),
    )

  it('holds no more than a page of 20,000 entities when it lets go of each', async () => {
    const table = database.ds.getMetadata(Author).tablePath
    await database.ds.manager.insert(
      Author,
      Array.from({ length: 625 }, (_none, index) => ({ name: padded(index) })),
    )
    for (let doubled = 625; doubled < 20_000; doubled *= 2) await database.ds.query(`INSERT INTO ${table} (name) SELECT name FROM ${table}`)
    const recording = recordStatements(database.ds)
    let [count, most] = [0, 0]
    for await (const author of session.find(Author)) {
      count++
      most = Math.max(most, trackedBy(session))
      session.expunge(author)
    }
    expect([count, trackedBy(session)]).toEqual([20_000, 0])
    expect(most).toBeLessThanOrEqual(500)
    expect(recording.statements.length).toBeLessThanOrEqual(41)
    recording.stop()
  }, 60_000)

  it('keeps the order, skip and limit from page to page', async () => {
    await insert(1300)
    const seen: string[] = []
    for await (const { title } of session.find(Article).order({ title: 'DESC' }).skip(40).limit(1200)) seen.push(title)
    expect(seen).toEqual(Array.from({ length: 1200 }, (_none, index) => padded(1259 - index)))
  })

  it('loads the relations of each page', async () => {
    const [tag] = await database.ds.manager.save([make(Tag, { name: 'red' })])
    const author = await database.ds.manager.save(make(Author, { name: 'Ann' }))
    await database.ds.manager.save(
      Array.from({ length: 520 }, (_none, index) => make(Article, { title: padded(index), author, tags: [tag!] })),
      { chunk: 200 },
    )
    const authors = new Set<unknown>()
    let tags = 0
    for await (const article of session.find(Article).with('author', 'tags')) {
      authors.add(article.author)
      tags += article.tags.length
    }
    expect([authors.size, tags]).toEqual([1, 520])
  })

  it('meets every row once, whatever the loop changes, deletes or adds', async () => {
    await insert(600)
    const seen = new Set<string>()
    let count = 0
    for await (const article of session.find(Article, { slug: IsNull() }).order({ title: 'ASC' })) {
      seen.add(article.title)
      article.slug = 'seen'
      if (count % 10 === 0) session.delete(article)
      if (++count % 100 === 0) {
        session.add(make(Article, { title: `new ${count}` }))
        await session.flush()
      }
    }
    await session.flush()
    expect([seen.size, count]).toEqual([600, 600])
    expect(await database.ds.manager.countBy(Article, { slug: 'seen' })).toBe(540)
    expect(await database.ds.manager.countBy(Article, { title: ILike('new%') })).toBe(6)
  })

  it('passes over rows that were deleted before their page came', async () => {
    await insert(700)
    let count = 0
    for await (const article of session.find(Article).order({ title: 'ASC' })) {
      if (count++ === 0) await session.manager.delete(Article, { title: '00600' })
      expect(article.title).not.toBe('00600')
    }
    expect(count).toBe(699)
  })

  it('goes on in the same order over composite keys', async () => {
    const parts = Array.from({ length: 620 }, (_none, index) => ({ maker: `m${index % 7}`, number: index, name: padded(619 - index) }))
    await database.ds.manager.insert(Part, parts)
    const names: string[] = []
    for await (const part of session.find(Part).order({ name: 'ASC' })) names.push(part.name)
    expect(names).toEqual(Array.from({ length: 620 }, (_none, index) => padded(index)))
  })

  it('yields the instances the session has, pending changes untouched', async () => {
    await insert(3)
    const known = await session.find(Article, { title: '00001' }).one()
    known.title = 'mine'
    const found: Article[] = []
    for await (const article of session.find(Article).order({ title: 'ASC' })) found.push(article)
    expect(found.map(({ title }) => title)).toEqual(['00000', 'mine', '00002'])
    expect(found[1]).toBe(known)
  })

  it('may be left early, and the cursor looped over again from the start', async () => {
    await insert(5)
    const cursor = session.find(Article).order({ title: 'ASC' })
    const firstTwo = async () => {
      const seen: string[] = []
      for await (const { title } of cursor) if (seen.push(title) === 2) break
      return seen
    }
    expect([await firstTwo(), await firstTwo()]).toEqual([
      ['00000', '00001'],
      ['00000', '00001'],
    ])
    expect(await session.find(Article).count()).toBe(5)
  })

  it('runs beside another loop and other queries of the session', async () => {
    await insert(4)
    const seen: string[] = []
    for await (const outer of session.find(Article).order({ title: 'ASC' }))
      for await (const inner of session.find(Article).order({ title: 'DESC' })) if (inner === outer) seen.push(inner.title)
    expect(seen).toEqual(['00000', '00001', '00002', '00003'])
  })

  it('ends without a turn where nothing matches', async () => {
    for await (const article of session.find(Article)) throw new Error(article.title)
    expect(trackedBy(session)).toBe(0)
  })

  it('throws an error of the query, and of the loop itself, to its caller', async () => {
    await insert(2)
    const loop = async (cursor: AsyncIterable<Article>) => {
      for await (const { title } of cursor) throw new Error(title)
    }
    expect(await errorOf(loop(session.find(Article, { wrong: 1 } as never)))).toMatchObject({ code: 'QUERY_PROPERTY_UNKNOWN' })
    expect(await errorOf(loop(session.find(Article).order({ title: 'ASC' })))).toMatchObject({ message: '00000' })
    expect(await session.find(Article)).toHaveLength(2)
  })

  it('is refused once the session is closed in the middle of it', async () => {
    await insert(2)
    const loop = async () => {
      for await (const article of session.find(Article)) if (article instanceof Article) await session.close()
    }
    expect(await errorOf(loop())).toMatchObject({ code: 'SESSION_CLOSED' })
  })
})
