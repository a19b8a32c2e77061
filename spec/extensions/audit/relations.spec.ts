/** What an audit trail tells of relations. */
import { openAudit, trailOf } from '../../support/audit.js'
import { Course, SCHOOL, Seat, Student } from '../../support/audit-models.js'
import { closeDataSources } from '../../support/databases.js'
import { Book, LIBRARY, Topic, Writer } from '../../support/library.js'
import { Article, Author, Comment, ENTITIES, make, Tag } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

describeWays('relations in an audit trail', (way) => {
  afterEach(closeDataSources)

  it('tell a to-one by the key it led to and the one it leads to', async () => {
    const dataSource = await openAudit(undefined, { entities: ENTITIES })
    const [ann, bob] = await way.seed(dataSource, [make(Author, { name: 'Ann' }), make(Author, { name: 'Bob' })])
    await way.seed(dataSource, make(Article, { title: 'A', author: ann! }))
    const article = await way.load(dataSource, Article, { title: 'A' }, 'author')
    article.author = bob!
    await way.save(dataSource, article)
    article.author = null
    await way.save(dataSource, article)
    const told = (await trailOf(dataSource)).filter(({ entity }) => entity === 'Article').map(({ changes }) => changes)
    expect(told).toEqual([{ author: { from: { id: ann!.id }, to: { id: bob!.id } } }, { author: { from: { id: bob!.id }, to: null } }])
  })

  it('tell a to-one that was set by its join column by the same name', async () => {
    const dataSource = await openAudit(undefined, { entities: SCHOOL })
    const ann = await way.seed(dataSource, make(Student, { name: 'Ann' }))
    await way.seed(dataSource, make(Seat, { room: 'a', number: 1, studentId: null }))
    const seat = await way.load(dataSource, Seat, { room: 'a' })
    seat.studentId = ann.id
    await way.save(dataSource, seat)
    const [row] = await trailOf(dataSource)
    expect([row!.key, row!.changes]).toEqual([{ room: 'a', number: 1 }, { student: { from: null, to: { id: ann.id } } }])
  })

  it('tell the keys of members that came and went', async () => {
    const dataSource = await openAudit(undefined, { entities: ENTITIES })
    const tags = await way.seed(
      dataSource,
      ['a', 'b', 'c'].map((name) => make(Tag, { name })),
    )
    await way.seed(dataSource, make(Article, { title: 'A', tags: tags.slice(0, 2) }))
    const article = await way.load(dataSource, Article, { title: 'A' }, 'tags')
    article.tags = [article.tags!.find(({ name }) => name === 'b')!, tags[2]!]
    await way.save(dataSource, article)
    const [row] = await trailOf(dataSource)
    expect([row!.operation, row!.changes]).toEqual(['update', {}])
    expect(row!.relations).toEqual({ tags: { added: [{ id: tags[2]!.id }], removed: [{ id: tags[0]!.id }] } })
  })

  it('tell a many-to-many of the side that owns it, whichever was edited', async () => {
    const dataSource = await openAudit(undefined, { entities: SCHOOL })
    const [ann, bob] = await way.seed(dataSource, [make(Student, { name: 'Ann' }), make(Student, { name: 'Bob' })])
    await way.save(dataSource, make(Course, { title: 'C', students: [ann!, bob!] }))
    const rows = (await trailOf(dataSource)).map(({ operation, entity, key, relations }) => [operation, entity, key['id'], relations])
    expect(rows).toHaveLength(3)
    expect(rows).toEqual(
      expect.arrayContaining([
        ['insert', 'Course', 1, null],
        ['update', 'Student', ann!.id, { courses: { added: [{ id: 1 }], removed: [] } }],
        ['update', 'Student', bob!.id, { courses: { added: [{ id: 1 }], removed: [] } }],
      ]),
    )
  })

  it('tell a new member of a one-to-many of both rows', async () => {
    const dataSource = await openAudit(undefined, { entities: ENTITIES })
    const article = await way.seed(dataSource, make(Article, { title: 'A', comments: [] }))
    article.comments = [make(Comment, { text: 'x' })]
    await way.save(dataSource, article)
    const rows = await trailOf(dataSource)
    expect(rows.find(({ entity }) => entity === 'Comment')!.changes).toEqual({ text: { to: 'x' }, article: { to: { id: article.id } } })
  })

  it('tell embedded columns and relations by their dotted path', async () => {
    const dataSource = await openAudit(undefined, { entities: LIBRARY })
    const [topic] = await way.seed(dataSource, [make(Topic, { name: 't' })])
    const writer = await way.seed(dataSource, make(Writer, { name: 'w' }))
    await way.save(dataSource, make(Book, { name: 'B', imprint: { place: 'Rome', year: 7, editor: writer, topics: [topic!] } }))
    const row = (await trailOf(dataSource)).find(({ entity }) => entity === 'Book')!
    expect(row.changes).toEqual({
      name: { to: 'B' },
      'imprint.place': { to: 'Rome' },
      'imprint.year': { to: 7 },
      'imprint.editor': { to: { id: writer.id } },
    })
    expect(row.relations).toEqual({ 'imprint.topics': { added: [{ id: topic!.id }], removed: [] } })
  })
})
