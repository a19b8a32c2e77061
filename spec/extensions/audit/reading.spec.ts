/** history and asOf. */
import { withSession } from 'flushpoint'
import { auditOf } from 'flushpoint/extensions'
import { setTimeout } from 'node:timers/promises'
import { openAudit } from '../../support/audit.js'
import { errorOf } from '../../support/chains.js'
import { closeDataSources, describeDatabase } from '../../support/databases.js'
import { Article, Author, Comment, ENTITIES, make, Note, Tag } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

const open = (options = {}) => openAudit(options, { entities: ENTITIES })

describeWays('the history of a row', (way) => {
  afterEach(closeDataSources)

  it('is told newest first, and goes on after the row is gone', async () => {
    const dataSource = await open()
    const tag = await way.save(dataSource, make(Tag, { name: 'a' }))
    const { id } = tag
    await way.save(dataSource, make(Tag, { name: 'other' }))
    tag.name = 'b'
    await way.save(dataSource, tag)
    const audit = auditOf(dataSource)
    expect((await audit.history(tag)).map(({ operation }) => operation)).toEqual(['update', 'insert'])
    await way.remove(dataSource, tag)
    const history = await audit.history(Tag, id)
    expect(history.map(({ operation, changes }) => [operation, changes['name']])).toEqual([
      ['delete', { from: 'b' }],
      ['update', { from: 'a', to: 'b' }],
      ['insert', { to: 'a' }],
    ])
    expect(history[0]).toMatchObject({ entity: 'Tag', key: { id }, actor: null, requestId: null, at: expect.any(Date) })
  })

  it('comes page by page', async () => {
    const dataSource = await open()
    const tag = await way.save(dataSource, make(Tag, { name: '0' }))
    for (const name of ['1', '2', '3']) {
      tag.name = name
      await way.save(dataSource, tag)
    }
    const audit = auditOf(dataSource)
    const first = await audit.history(tag, { limit: 2 })
    const second = await audit.history(tag, { limit: 2, before: first[1]! })
    expect([...first, ...second].map(({ changes }) => changes['name']!.to)).toEqual(['3', '2', '1', '0'])
    expect(await audit.history(Tag, undefined, { limit: 3 })).toHaveLength(3)
  })

  it('leads to what else its transaction did', async () => {
    const dataSource = await open()
    await way.save(dataSource, [make(Tag, { name: 'a' }), make(Author, { name: 'b' })])
    await way.save(dataSource, make(Tag, { name: 'c' }))
    const audit = auditOf(dataSource)
    const [change] = await audit.history(Author, 1)
    expect((await audit.transaction(change!)).map(({ entity }) => entity).sort()).toEqual(['Author', 'Tag'])
  })
})

describeWays('a row as of an earlier time', (way) => {
  afterEach(closeDataSources)

  it('has the values it had then, and is null before it was and after it went', async () => {
    const dataSource = await open()
    const audit = auditOf(dataSource)
    const start = new Date()
    await setTimeout(5)
    const author = await way.save(dataSource, make(Author, { name: 'Ann' }))
    const article = await way.save(dataSource, make(Article, { title: 'A', author }))
    const { id } = article
    const [inserted] = await audit.history(article)
    await setTimeout(5)
    article.title = 'B'
    article.author = null
    await way.save(dataSource, article)
    const [updated] = await audit.history(article)
    await setTimeout(5)
    await way.remove(dataSource, article)
    expect(await audit.asOf(Article, id, start)).toBeNull()
    const was = { id, title: 'A', slug: null, createdBy: null, author: { id: author.id }, tags: [] }
    expect([await audit.asOf(Article, id, inserted!.at), await audit.asOf(Article, id, inserted!)]).toEqual([was, was])
    expect(await audit.asOf(Article, id, updated!.at)).toEqual({ ...was, title: 'B', author: null })
    expect(await audit.asOf(Article, id, new Date(Date.now() + 60_000))).toBeNull()
  })

  it('is right for rows that are older than the trail', async () => {
    const dataSource = await open()
    await way.seed(dataSource, make(Article, { title: 'old', slug: 's', tags: [make(Tag, { name: 't' })] }))
    const before = new Date()
    await setTimeout(5)
    const article = await way.load(dataSource, Article, { title: 'old' }, 'tags')
    const [tag] = article.tags!
    article.title = 'new'
    article.tags = []
    await way.save(dataSource, article)
    expect(await auditOf(dataSource).asOf(article, before)).toMatchObject({ title: 'old', slug: 's', tags: [{ id: tag!.id }] })
    expect(await auditOf(dataSource).asOf(article, new Date(Date.now() + 60_000))).toMatchObject({ title: 'new', slug: 's', tags: [] })
  })

  it('was there while it was soft-removed', async () => {
    const dataSource = await open()
    const note = await way.save(dataSource, make(Note, { text: 'a' }))
    const audit = auditOf(dataSource)
    const [inserted] = await audit.history(note)
    await way.softRemove(dataSource, note)
    const [removed] = await audit.history(note)
    expect([(await audit.asOf(note, inserted!))?.deletedAt, (await audit.asOf(note, removed!))?.deletedAt]).toEqual([
      null,
      expect.any(Date),
    ])
  })

  it('leaves out what the trail does not keep', async () => {
    const dataSource = await openAudit(
      { exclude: ['Article.slug', 'Article.tags'], hash: ['Article.createdBy'], hashKey: 'x'.repeat(16) },
      { entities: ENTITIES },
    )
    const article = await way.save(dataSource, make(Article, { title: 'A', slug: 's', createdBy: 'c' }))
    expect(await auditOf(dataSource).asOf(article, new Date(Date.now() + 60_000))).toEqual({ id: article.id, title: 'A', author: null })
  })
})

describeDatabase('an audit desk', () => {
  afterEach(closeDataSources)

  it('of a session reads inside of its transaction', async () => {
    const dataSource = await open()
    await withSession(dataSource, async (session) => {
      const tag = make(Tag, { name: 'a' })
      session.add(tag)
      await session.flush()
      const audit = auditOf(session)
      expect([await audit.history(tag), await audit.asOf(tag, new Date())]).toEqual([[], { id: tag.id, name: 'a' }])
    })
    expect(await auditOf(dataSource).history(Tag)).toHaveLength(1)
  })

  it('refuses what it cannot look for', async () => {
    const dataSource = await open()
    const audit = auditOf(dataSource)
    class Nobody {}
    const asked: readonly [() => Promise<unknown>, string][] = [
      [() => audit.history(new Nobody()), 'AUDIT_ENTITY_UNKNOWN'],
      [() => audit.history(Nobody, 1), 'AUDIT_ENTITY_UNKNOWN'],
      [() => audit.history('Artcle', 1), 'AUDIT_ENTITY_UNKNOWN'],
      [() => audit.history(make(Tag, {})), 'AUDIT_KEY_INVALID'],
      [() => audit.history(Tag, {} as never), 'AUDIT_KEY_INVALID'],
      [() => audit.history(Tag, 1, { limit: 0 }), 'OPTION_INVALID'],
      [() => audit.history(Tag, 1, { before: {} as never }), 'OPTION_INVALID'],
      [() => audit.history(Tag, 1, { most: 3 } as never), 'OPTION_UNKNOWN'],
      [() => audit.asOf(Tag, 1, 'yesterday' as never), 'OPTION_INVALID'],
      [() => audit.asOf(Tag, 1, new Date('?')), 'OPTION_INVALID'],
      [() => audit.transaction(7 as never), 'OPTION_INVALID'],
      [() => audit.history(null as never), 'OPTION_INVALID'],
      [() => audit.history(undefined as never), 'OPTION_INVALID'],
      [() => audit.asOf(null as never, new Date()), 'OPTION_INVALID'],
      [() => Promise.resolve(auditOf(null as never)), 'OPTION_INVALID'],
      [() => Promise.resolve(auditOf({} as never)), 'OPTION_INVALID'],
    ]
    const codes = []
    for (const [ask] of asked) codes.push((await errorOf(ask)).code)
    expect(codes).toEqual(asked.map(([, code]) => code))
    expect((await errorOf(audit.history('Artcle', 1))).message).toContain('"Article"')
  })

  it('is refused where the DataSource has no trail', async () => {
    const { openDataSource } = await import('../../support/databases.js')
    const dataSource = await openDataSource({ entities: [Tag] })
    expect((await errorOf(() => auditOf(dataSource))).code).toBe('AUDIT_TABLE_MISSING')
  })

  it('tells a row of a class that has no instances', async () => {
    const dataSource = await open()
    await dataSource.manager.save(make(Comment, { text: 'x' }))
    expect(await auditOf(dataSource).history('Comment', 1)).toHaveLength(1)
  })
})
