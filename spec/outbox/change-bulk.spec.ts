/** `changes` and statements by query: the rows they write are told as those of a save are. */
import { withoutExtensions, type EntityClass } from 'flushpoint'
import type { ChangePayload, OutboxOptions } from 'flushpoint/outbox'
import 'reflect-metadata'
import { ChildEntity, Column, Entity, PrimaryColumn, PrimaryGeneratedColumn, TableInheritance, type DataSource } from 'typeorm'
import { errorOf } from '../support/chains.js'
import { describeDatabase, recordStatements } from '../support/databases.js'
import { Article, ENTITIES, make, Note, Tag } from '../support/models.js'
import { messagesOf, openOutbox } from '../support/outbox.js'

@Entity()
class Page {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) path: string
  @Column({ default: 0 }) hits: number
  @Column({ type: 'varchar', nullable: true, select: false }) secret?: string | null
}

@Entity()
class Stamp {
  @PrimaryColumn({ type: 'int' }) id: number
  @Column() text: string
}

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
class Work {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
}

@ChildEntity('film')
class Film extends Work {
  @Column({ type: 'int', nullable: true }) minutes?: number | null
}

const MODELS: readonly EntityClass[] = [...ENTITIES, Page, Stamp, Work, Film]
const open = (changes: NonNullable<OutboxOptions['changes']>, options: OutboxOptions = {}) =>
  openOutbox({ changes, ...options }, { entities: MODELS })

async function changesIn(dataSource: DataSource) {
  return (await messagesOf(dataSource)).map(({ type, partition_key, payload }) => ({ type, partition_key, ...(payload as ChangePayload) }))
}

const typesIn = async (dataSource: DataSource) => (await messagesOf(dataSource)).map(({ type }) => type)

describeDatabase('statements by query of listed entities', () => {
  it('are told row by row: insert, update, soft removal, restore, removal', async () => {
    const dataSource = await open([Note])
    const notes = dataSource.getRepository(Note)
    await notes.insert([{ text: 'a' }, { text: 'b' }])
    await notes.update({ text: 'b' }, { reason: 'so' })
    await notes.softDelete({ text: 'b' })
    await notes.restore({ text: 'b' })
    await notes.delete({ text: 'b' })
    const [a, b] = (await changesIn(dataSource)).map(({ id }) => id)
    expect(await changesIn(dataSource)).toMatchObject([
      { type: 'note.insert', partition_key: `note:${a}`, before: null, after: { text: 'a', version: 1 } },
      { type: 'note.insert', partition_key: `note:${b}`, before: null, after: { text: 'b', version: 1 } },
      { type: 'note.update', id: b, before: { reason: null }, after: { reason: 'so' }, changes: { reason: { from: null, to: 'so' } } },
      { type: 'note.softRemove', id: b, before: { deletedAt: null }, after: { deletedAt: expect.any(String) as string } },
      { type: 'note.recover', id: b, after: { deletedAt: null } },
      { type: 'note.delete', id: b, before: { text: 'b', reason: 'so' }, after: null },
    ])
  })

  it('tell what the database computed', async () => {
    const dataSource = await open([Page])
    const pages = dataSource.getRepository(Page)
    await pages.insert({ path: '/a', secret: 'SECRET' })
    await pages.increment({ path: '/a' }, 'hits', 5)
    await pages.update({ path: '/a' }, { hits: () => 'hits * 2' })
    await pages.upsert([{ path: '/a', hits: 1, secret: 'SECRET' }, { path: '/b' }], ['path']) // prettier-ignore
    expect((await changesIn(dataSource)).map(({ type, before, after }) => [type, before?.['hits'], after?.['hits']])).toEqual([
      ['page.insert', undefined, 0],
      ['page.update', 0, 5],
      ['page.update', 5, 10],
      ['page.update', 10, 1],
      ['page.insert', undefined, 0],
    ])
    expect(JSON.stringify(await messagesOf(dataSource))).not.toMatch(/secret/i)
  })

  it('are one change with what was saved in the same transaction', async () => {
    const dataSource = await open([Note])
    await dataSource.transaction(async (manager) => {
      const note = await manager.save(make(Note, { text: 'a' }))
      await manager.update(Note, { id: note.id }, { text: 'b' })
    })
    expect(await changesIn(dataSource)).toMatchObject([{ type: 'note.insert', after: { text: 'b' } }])
    expect(await typesIn(dataSource)).toHaveLength(1)
  })

  it('are undone with their messages', async () => {
    const dataSource = await open([Note])
    await errorOf(
      dataSource.transaction(async (manager) => {
        await manager.insert(Note, { text: 'a' })
        throw new Error('no')
      }),
    )
    expect([await typesIn(dataSource), await dataSource.manager.count(Note)]).toEqual([[], 0])
  })

  it('tell rows of a listed class below that of the statement, and these alone', async () => {
    const dataSource = await open([Film])
    await dataSource.manager.save([make(Work, { title: 'a' }), make(Film, { title: 'a', minutes: 90 })])
    await dataSource.manager.update(Work, { title: 'a' }, { title: 'b' })
    expect(await changesIn(dataSource)).toMatchObject([
      { type: 'work.insert', after: { minutes: 90 } },
      { type: 'work.update', changes: { title: { from: 'a', to: 'b' } } },
    ])
    expect(await typesIn(dataSource)).toHaveLength(2)
  })

  it('tell the columns that are listed, and nothing where others were changed', async () => {
    const dataSource = await open([{ entity: Page, columns: ['path'] }])
    const pages = dataSource.getRepository(Page)
    await pages.insert({ path: '/a', hits: 3 })
    await pages.update({ path: '/a' }, { hits: 4 })
    await pages.update({ path: '/a' }, { path: '/b' })
    expect((await changesIn(dataSource)).map(({ type, after }) => [type, after])).toEqual([
      ['page.insert', { path: '/a' }],
      ['page.update', { path: '/b' }],
    ])
  })

  it('of entities that are not listed are sent without a look at their rows', async () => {
    const dataSource = await open([Note])
    await dataSource.manager.insert(Tag, { name: 'red' })
    const recording = recordStatements(dataSource)
    await dataSource.manager.update(Tag, { name: 'red' }, { name: 'blue' })
    expect(recording.sql().filter((sql) => /^SELECT/.test(sql))).toEqual([])
    expect(await typesIn(dataSource)).toEqual([])
  })

  it('of a junction table are told by nobody', async () => {
    const dataSource = await open([Article])
    const { id } = await dataSource.manager.save(make(Article, { title: 'a' }))
    const tag = await dataSource.manager.save(make(Tag, { name: 'red' }))
    await dataSource.createQueryBuilder().relation(Article, 'tags').of(id).add(tag.id)
    expect(await typesIn(dataSource)).toEqual(['article.insert'])
  })

  it('are told by nobody inside withoutExtensions', async () => {
    const dataSource = await open([Note])
    await withoutExtensions(() => dataSource.manager.insert(Note, { text: 'a' }))
    expect([await typesIn(dataSource), await dataSource.manager.count(Note)]).toEqual([[], 1])
  })
})

describeDatabase('statements by query whose rows nobody can tell', () => {
  it('are executed all the same, and not told', async () => {
    const dataSource = await open([Page])
    const pages = dataSource.getRepository(Page)
    await pages.insert({ path: '/a' })
    await pages.createQueryBuilder().insert().values({ path: '/b' }).orIgnore().execute()
    await pages.update({ path: '/a' }, { id: 77 })
    expect(await typesIn(dataSource)).toEqual(['page.insert'])
    expect((await pages.find({ order: { path: 'ASC' } })).map(({ id, path }) => [path, id === 77])).toEqual([
      ['/a', true],
      ['/b', false],
    ])
  })

  it('are executed where the builder asks for no keys of new rows', async () => {
    const dataSource = await open([Page])
    await dataSource.createQueryBuilder().insert().into(Page).values({ path: '/a' }).updateEntity(false).execute()
    expect([await dataSource.manager.count(Page), await typesIn(dataSource)]).toEqual([1, []])
  })

  it('are executed where an expression makes the key', async () => {
    const dataSource = await open([Stamp])
    await dataSource.manager.insert(Stamp, { id: () => 'abs(-7)', text: 'a' })
    expect(await dataSource.manager.find(Stamp)).toEqual([{ id: 7, text: 'a' }])
    expect(await typesIn(dataSource)).toEqual([])
  })
})
