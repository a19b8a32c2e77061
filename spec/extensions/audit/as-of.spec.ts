/** What asOf makes of what the database did by itself, and of keys that are spelt otherwise. */
import { auditOf } from 'flushpoint/extensions'
import { setTimeout } from 'node:timers/promises'
import { Column, Entity, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm'
import { openAudit } from '../../support/audit.js'
import { closeDataSources, databaseName } from '../../support/databases.js'
import { Article, ENTITIES, make, Tag } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

@Entity()
class Folder {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
class Doc {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Folder, { nullable: true, onDelete: 'SET NULL' }) to?: Folder | null
}

/** Folders know nothing of their pages, so that the database alone takes these along. */
@Entity()
class Page {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
  @ManyToOne(() => Folder, { nullable: true, onDelete: 'CASCADE' }) folder?: Folder | null
}

/** MariaDB does not mind letter case by itself, SQLite where it is told so. */
const MINDLESS = databaseName() !== 'postgres'
const isSqlite = databaseName().includes('sqlite')

@Entity()
class Nick {
  @PrimaryColumn({ type: 'varchar', length: 20, ...(isSqlite && { collation: 'NOCASE' }) }) name: string
  @Column() text: string
}

@Entity()
class Reading {
  @PrimaryColumn({ type: databaseName() === 'postgres' ? 'timestamptz' : 'datetime' }) at: Date
  @Column() text: string
}

const open = () => openAudit({}, { entities: [Folder, Doc, Page, Nick, Reading] })
const toCome = () => new Date(Date.now() + 60_000)

describeWays('a row as of a time before the database itself changed it', (way) => {
  afterEach(closeDataSources)

  it('leads where its change says it was led, though that row went', async () => {
    const dataSource = await open()
    const audit = auditOf(dataSource)
    const [one, two] = await way.save(dataSource, [make(Folder, { name: 'one' }), make(Folder, { name: 'two' })])
    const folder = { id: one!.id }
    const doc = await way.save(dataSource, make(Doc, { name: 'A', to: one! }))
    await way.remove(dataSource, one!)
    const [inserted] = await audit.history(Doc, doc.id)
    for (const moment of [inserted!, inserted!.at])
      expect(await audit.asOf(Doc, doc.id, moment)).toEqual({ id: doc.id, name: 'A', to: folder })
    expect(await audit.asOf(Doc, doc.id, toCome())).toEqual({ id: doc.id, name: 'A', to: null })
    await setTimeout(5)
    const loaded = await way.load(dataSource, Doc, { name: 'A' }, 'to')
    loaded.to = two!
    await way.save(dataSource, loaded)
    const [updated] = await audit.history(Doc, doc.id)
    for (const moment of [inserted!, inserted!.at])
      expect(await audit.asOf(Doc, doc.id, moment)).toEqual({ id: doc.id, name: 'A', to: folder })
    expect(await audit.asOf(Doc, doc.id, updated!)).toEqual({ id: doc.id, name: 'A', to: { id: two!.id } })
  })

  it('leads nowhere after the trail tells that the other row went', async () => {
    const dataSource = await openAudit({}, { entities: [...ENTITIES, Folder, Doc] })
    const audit = auditOf(dataSource)
    const folder = await way.save(dataSource, make(Folder, { name: 'one' }))
    const folderId = folder.id
    const doc = await way.save(dataSource, make(Doc, { name: 'A', to: folder }))
    const tags = await way.save(dataSource, [make(Tag, { name: 'a' }), make(Tag, { name: 'b' })])
    const [gone, kept] = tags.map(({ id }) => ({ id }))
    const { id } = await way.save(dataSource, make(Article, { title: 'A', tags }))
    await setTimeout(5)
    const led = new Date()
    await setTimeout(5)
    await way.remove(dataSource, await way.load(dataSource, Folder, { name: 'one' }))
    await way.remove(dataSource, await way.load(dataSource, Tag, { name: 'a' }))
    const later = new Date()
    expect([await audit.asOf(Doc, doc.id, led), await audit.asOf(Doc, doc.id, later)]).toMatchObject([
      { to: { id: folderId } },
      { to: null },
    ])
    const [was, is] = [await audit.asOf(Article, id, led), await audit.asOf(Article, id, later)]
    expect([was!.tags, is!.tags]).toEqual([[gone, kept], [kept]])
  })

  it('is there from its insert on, though it went with another row', async () => {
    const dataSource = await open()
    const audit = auditOf(dataSource)
    const start = new Date()
    await setTimeout(5)
    const folder = await way.save(dataSource, make(Folder, { name: 'A' }))
    const folderId = folder.id
    const page = await way.save(dataSource, make(Page, { text: 'a', folder }))
    const { id } = page
    page.text = 'b'
    await way.save(dataSource, page)
    await way.remove(dataSource, await way.load(dataSource, Folder, { name: 'A' }))
    expect(await dataSource.manager.count(Page)).toBe(0)
    const [updated, inserted] = await audit.history(Page, id)
    expect(await audit.asOf(Page, id, start)).toBeNull()
    expect(await audit.asOf(Page, id, inserted!)).toEqual({ id, text: 'a', folder: { id: folderId } })
    for (const moment of [updated!, updated!.at])
      expect(await audit.asOf(Page, id, moment)).toEqual({ id, text: 'b', folder: { id: folderId } })
    expect(await audit.asOf(Page, id, toCome())).toBeNull()
  })

  it('has of a row that is older than the trail what the trail knows', async () => {
    const dataSource = await open()
    const audit = auditOf(dataSource)
    const folder = await way.seed(dataSource, make(Folder, { name: 'A' }))
    await way.seed(dataSource, make(Page, { text: 'a', folder }))
    const page = await way.load(dataSource, Page, { text: 'a' })
    const { id } = page
    const start = new Date()
    await setTimeout(5)
    page.text = 'b'
    await way.save(dataSource, page)
    await way.remove(dataSource, await way.load(dataSource, Folder, { name: 'A' }))
    const [updated] = await audit.history(Page, id)
    expect([await audit.asOf(Page, id, start), await audit.asOf(Page, id, updated!)]).toMatchObject([
      { id, text: 'a' },
      { id, text: 'b' },
    ])
  })

  it('is gone right after its delete, though it was brought back without being told', async () => {
    const dataSource = await open()
    const audit = auditOf(dataSource)
    await way.remove(dataSource, await way.save(dataSource, make(Nick, { name: 'ann', text: 'a' })))
    await way.seed(dataSource, make(Nick, { name: 'ann', text: 'b' }))
    const [removed, inserted] = await audit.history(Nick, 'ann')
    expect([await audit.asOf(Nick, 'ann', inserted!), await audit.asOf(Nick, 'ann', removed!)]).toEqual([{ name: 'ann', text: 'a' }, null])
    expect(await audit.asOf(Nick, 'ann', toCome())).toEqual({ name: 'ann', text: 'b' })
  })
})

describeWays('a key that is spelt otherwise', (way) => {
  afterEach(closeDataSources)

  it('finds the history of the row that the database finds by it', async () => {
    const dataSource = await open()
    const audit = auditOf(dataSource)
    const nick = await way.save(dataSource, make(Nick, { name: 'Ann', text: 'a' }))
    nick.text = 'b'
    await way.save(dataSource, nick)
    const given = databaseName() === 'mariadb' ? ['Ann', 'ANN', 'ann  '] : ['Ann', 'ANN']
    for (const name of given) {
      const isFound = MINDLESS || name === 'Ann'
      const history = await audit.history(Nick, name)
      expect([name, history.length]).toEqual([name, isFound ? 2 : 0])
      if (isFound) expect([name, await audit.asOf(Nick, name, history[1]!)]).toEqual([name, { name: 'Ann', text: 'a' }])
    }
    await way.remove(dataSource, nick)
    expect([await audit.history(Nick, 'Ann'), await audit.history(Nick, 'ANN')].map((told) => told.length)).toEqual([3, 0])
  })

  it('may be a date as a text', async () => {
    const dataSource = await open()
    const audit = auditOf(dataSource)
    const reading = await way.save(dataSource, make(Reading, { at: new Date('2026-01-02T03:04:05.000Z'), text: 'a' }))
    reading.text = 'b'
    await way.save(dataSource, reading)
    const [, inserted] = await audit.history(reading)
    const given = '2026-01-02T03:04:05Z' as never
    expect(await audit.history(Reading, given)).toHaveLength(2)
    expect(await audit.asOf(Reading, given, inserted!)).toMatchObject({ text: 'a' })
    expect(await audit.history(Reading, 'no date' as never)).toEqual([])
  })
})
