/** What an audit trail tells of relations. */
import { Column, Entity, JoinColumn, ManyToOne, PrimaryGeneratedColumn, type DataSource } from 'typeorm'
import { openAudit, toldBy, trailOf } from '../../support/audit.js'
import { Course, SCHOOL, Seat, Student } from '../../support/audit-models.js'
import { closeDataSources } from '../../support/databases.js'
import { Book, LIBRARY, Topic, Writer } from '../../support/library.js'
import { Article, Author, Comment, ENTITIES, make, Tag } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

@Entity()
class Ticket {
  @PrimaryGeneratedColumn() id: number
  @Column({ nullable: true, type: 'varchar', length: 20 }) seatRoom?: string | null
  @Column({ nullable: true, type: 'int' }) seatNumber?: number | null
  @ManyToOne(() => Seat, { nullable: true })
  @JoinColumn([
    { name: 'seatRoom', referencedColumnName: 'room' },
    { name: 'seatNumber', referencedColumnName: 'number' },
  ])
  seat?: Seat | null
}

const tableOf = (dataSource: DataSource) =>
  dataSource
    .getMetadata('AuditEntry')
    .tablePath.split('.')
    .map((part) => dataSource.driver.escape(part))
    .join('.')

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

  it('tell a to-one of several join columns once, also where each of them is set', async () => {
    const dataSource = await openAudit(undefined, { entities: [...SCHOOL, Ticket] })
    await way.seed(dataSource, [make(Seat, { room: 'a', number: 1 }), make(Seat, { room: 'b', number: 2 })])
    await way.seed(dataSource, make(Ticket, { seatRoom: 'a', seatNumber: 1 }))
    const ticket = await way.load(dataSource, Ticket, { seatRoom: 'a' })
    await way.save(dataSource, Object.assign(ticket, { seatRoom: 'b', seatNumber: 2 }))
    const [{ changes }] = await dataSource.query<[{ changes: unknown }]>(`SELECT changes FROM ${tableOf(dataSource)}`)
    const text = typeof changes === 'string' ? changes : JSON.stringify(changes)
    expect(text.replaceAll(' ', '')).toBe('{"seat":{"from":{"room":"a","number":1},"to":{"room":"b","number":2}}}')
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

  it('tell nothing of a member that came by one side and went by the other', async () => {
    const dataSource = await openAudit(undefined, { entities: SCHOOL })
    await way.seed(dataSource, make(Student, { name: 'Ann' }))
    await way.seed(dataSource, make(Course, { title: 'C' }))
    const course = await way.load(dataSource, Course, { title: 'C' }, 'students')
    const ann = await way.load(dataSource, Student, { name: 'Ann' }, 'courses')
    await way.transaction(dataSource, async ({ save }) => {
      await save([Object.assign(course, { title: 'D', students: [ann] }), ann])
      await save(Object.assign(ann, { courses: [] }))
    })
    expect(await toldBy(dataSource)).toEqual(['update Course {"id":1} title'])
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
