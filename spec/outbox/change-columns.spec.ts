/** What of a row the messages about its changes tell: which columns, in which form, and under which key. */
import { createHash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import { withSession, type EntityClass } from 'flushpoint'
import type { ChangePayload, OutboxOptions } from 'flushpoint/outbox'
import { Outbox } from 'flushpoint/outbox'
import 'reflect-metadata'
import {
  ChildEntity,
  Column,
  Entity,
  EntitySchema,
  JoinTable,
  ManyToMany,
  ManyToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
  VersionColumn,
  type DataSource,
} from 'typeorm'
import { errorOf } from '../support/chains.js'
import { describeDatabase } from '../support/databases.js'
import { thrownBy } from '../support/events.js'
import { make } from '../support/models.js'
import { messagesOf, openOutbox } from '../support/outbox.js'
import { describeWays } from '../support/ways-in.js'

/** Keeps anything, so that a column can have any value in the process. */
const anything = {
  to: (value: unknown) => (value === null || value === undefined ? value : serialize(value).toString('base64')),
  from: (text: unknown) => (typeof text === 'string' ? (deserialize(Buffer.from(text, 'base64')) as unknown) : text),
}

class Contact {
  @Column({ type: 'varchar', nullable: true }) mail?: string | null
  @Column({ type: 'varchar', nullable: true, select: false }) phone?: string | null
}

@Entity()
class Genre {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
class Member {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ type: 'varchar', nullable: true }) notes?: string | null
  @Column({ type: 'varchar', nullable: true, select: false }) secret?: string | null
  @Column(() => Contact) contact: Contact
  @Column({ type: 'int', nullable: true, select: false }) sponsorId?: number | null
  @ManyToOne(() => Genre, { nullable: true }) sponsor?: Genre | null
  @ManyToOne(() => Genre, { nullable: true }) favourite?: Genre | null
  @ManyToMany(() => Genre) @JoinTable() genres?: Genre[]
  @VersionColumn() version: number
}

@Entity()
class Odd {
  @PrimaryGeneratedColumn() id: number
  @Column({ type: 'varchar', nullable: true, transformer: anything }) value: unknown
}

@Entity()
class Address {
  @PrimaryColumn({ length: 400 }) url: string
  @Column() hits: number
}

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
class Work {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
  @Column({ type: 'varchar', nullable: true }) notes?: string | null
}

@ChildEntity('film')
class Film extends Work {
  @Column({ type: 'int', nullable: true }) minutes?: number | null
}

const MODELS: readonly EntityClass[] = [Genre, Member, Odd, Address, Work, Film]
const open = (changes: NonNullable<OutboxOptions['changes']>, options: OutboxOptions = {}) =>
  openOutbox({ changes, ...options }, { entities: MODELS })

async function changesIn(dataSource: DataSource) {
  return (await messagesOf(dataSource)).map(({ type, partition_key, payload }) => ({ type, partition_key, ...(payload as ChangePayload) }))
}

const member = (values: Partial<Member> = {}) => make(Member, { name: 'Ann', contact: {}, ...values })

describeWays('columns that a query does not select', (way) => {
  it('are neither in before, nor in after, nor in changes, embedded ones and their relations included', async () => {
    const dataSource = await open([Member])
    const sponsor = await way.seed(dataSource, make(Genre, { name: 'noir' }))
    const entity = member({ secret: 'SECRET', contact: { mail: 'a@b', phone: 'SECRET' }, sponsor })
    await way.save(dataSource, entity)
    entity.name = 'Bob'
    entity.secret = entity.contact.phone = 'SECRET too'
    await way.save(dataSource, entity)
    await way.remove(dataSource, entity)
    const [insert, update, removal] = await changesIn(dataSource)
    expect(insert!.after).toMatchObject({ name: 'Ann', 'contact.mail': 'a@b' })
    expect(update!.changes).toEqual({ name: { from: 'Ann', to: 'Bob' }, version: { from: 1, to: 2 } })
    for (const values of [insert!.after, insert!.changes, update!.before, update!.after, update!.changes, removal!.before])
      expect(Object.keys(values!).filter((name) => /secret|phone|sponsor/.test(name))).toEqual([])
    expect(JSON.stringify(await messagesOf(dataSource))).not.toContain('SECRET')
  })

  it('make no message where nothing else was changed', async () => {
    const dataSource = await open([Member])
    const entity = member({ secret: 'a' })
    await way.save(dataSource, entity)
    entity.secret = 'b'
    await way.save(dataSource, entity)
    expect((await changesIn(dataSource)).map(({ type }) => type)).toEqual(['member.insert'])
    expect(entity.version).toBe(2)
  })
})

describeWays('columns that are listed', (way) => {
  it('are all that is told, embedded ones by their path, besides the key', async () => {
    const dataSource = await open([{ entity: Member, columns: ['name', 'contact.mail', 'favourite'] }])
    const favourite = await way.seed(dataSource, make(Genre, { name: 'noir' }))
    const entity = member({ notes: 'n', contact: { mail: 'a@b' }, favourite, genres: [favourite] })
    await way.save(dataSource, entity)
    const told = { name: 'Ann', 'contact.mail': 'a@b', favourite: { id: favourite.id } }
    expect(await changesIn(dataSource)).toMatchObject([{ key: { id: entity.id }, relations: {} }])
    const { after, changes } = (await changesIn(dataSource))[0]!
    expect([after, Object.keys(changes).sort()]).toEqual([told, Object.keys(told).sort()])
  })

  it('make no update of a change to others, and one where a listed one changed with them', async () => {
    const dataSource = await open([{ entity: Member, columns: ['name'] }])
    const entity = member()
    await way.save(dataSource, entity)
    entity.notes = 'a'
    await way.save(dataSource, entity)
    entity.notes = 'b'
    entity.name = 'Bob'
    await way.save(dataSource, entity)
    await way.remove(dataSource, entity)
    expect((await changesIn(dataSource)).map(({ type, before, after, changes }) => ({ type, before, after, changes }))).toEqual([
      { type: 'member.insert', before: null, after: { name: 'Ann' }, changes: { name: { to: 'Ann' } } },
      { type: 'member.update', before: { name: 'Ann' }, after: { name: 'Bob' }, changes: { name: { from: 'Ann', to: 'Bob' } } },
      { type: 'member.delete', before: { name: 'Bob' }, after: null, changes: {} },
    ])
  })

  it('are told alone where they are counters the database keeps', async () => {
    const dataSource = await open([{ entity: Member, columns: ['version'] }])
    const entity = member()
    await way.save(dataSource, entity)
    entity.notes = 'a'
    await way.save(dataSource, entity)
    expect((await changesIn(dataSource)).map(({ after }) => after)).toEqual([{ version: 1 }, { version: 2 }])
  })
})

describeWays('columns that are excepted', (way) => {
  it('are left out, and so are relations', async () => {
    const dataSource = await open([{ entity: Member, except: ['notes', 'contact.mail', 'genres'] }])
    const genre = await way.seed(dataSource, make(Genre, { name: 'noir' }))
    const entity = member({ notes: 'HIDDEN', contact: { mail: 'HIDDEN' }, genres: [genre] })
    await way.save(dataSource, entity)
    entity.notes = 'HIDDEN too'
    await way.save(dataSource, entity)
    entity.name = 'Bob'
    await way.save(dataSource, entity)
    expect(await changesIn(dataSource)).toMatchObject([
      { type: 'member.insert', after: { name: 'Ann' }, relations: {} },
      { type: 'member.update', before: { name: 'Ann' }, after: { name: 'Bob' } },
    ])
    expect(JSON.stringify(await messagesOf(dataSource))).not.toMatch(/HIDDEN|genres/)
  })

  it('follow the entry of the nearest class', async () => {
    const dataSource = await open([
      { entity: Work, columns: ['title'] },
      { entity: Film, except: ['notes'] },
    ])
    await way.save(dataSource, make(Work, { title: 'a', notes: 'n' }))
    await way.save(dataSource, make(Film, { title: 'b', notes: 'n', minutes: 90 }))
    const changes = await changesIn(dataSource)
    expect(changes.map(({ after }) => Object.keys(after!).sort())).toEqual([['title'], ['id', 'minutes', 'title']])
  })
})

describeDatabase('members of a relation', () => {
  it('are told by their keys alone, also where they are plain objects', async () => {
    const dataSource = await open([Member])
    const genres = dataSource.getRepository(Genre)
    const [noir, drama] = await genres.save([{ name: 'noir' }, { name: 'drama' }])
    const members = dataSource.getRepository(Member)
    const { id } = await members.save({ name: 'Ann', contact: {}, genres: [noir!] })
    await members.save({ id, genres: [drama!] })
    expect((await changesIn(dataSource)).map(({ relations }) => relations)).toEqual([
      { genres: { added: [{ id: noir!.id }], removed: [] } },
      { genres: { added: [{ id: drama!.id }], removed: [{ id: noir!.id }] } },
    ])
  })
})

describeDatabase('names of columns', () => {
  const writing = async (changes: NonNullable<OutboxOptions['changes']>) => {
    const dataSource = await open(changes)
    const error = await errorOf(withSession(dataSource, async (session) => void session.add(member())))
    return { error, rows: await dataSource.manager.count(Member) }
  }

  it.each([
    ['columns', ['nmae'], '"name"'],
    ['except', ['note'], '"notes"'],
    ['except', ['contact.mial'], '"contact.mail"'],
  ])('that no column has are refused with the nearest one: %s %j', async (option, names, nearest) => {
    const { error, rows } = await writing([{ entity: Member, [option]: names } as never])
    expect(error).toMatchObject({ code: 'OPTION_INVALID' })
    expect((error as Error).message).toContain(`"${names[0]}"`)
    expect((error as Error).message).toContain(nearest)
    expect(rows).toBe(0)
  })

  it('of columns that are not selected cannot be listed, and may be excepted', async () => {
    expect((await writing([{ entity: Member, columns: ['secret'] }])).error).toMatchObject({ code: 'OPTION_INVALID' })
    const dataSource = await open([{ entity: Member, except: ['secret'] }])
    await dataSource.manager.save(member())
    expect(await changesIn(dataSource)).toHaveLength(1)
  })

  it('may be those of any class of an inheritance', async () => {
    const dataSource = await open([{ entity: Work, columns: ['title', 'minutes'] }])
    await dataSource.manager.save([make(Work, { title: 'a' }), make(Film, { title: 'b', minutes: 90 })])
    expect((await changesIn(dataSource)).map(({ after }) => after)).toEqual([{ title: 'a' }, { title: 'b', minutes: 90 }])
  })
})

describe('the list of entities', () => {
  const schema = new EntitySchema<{ id: number }>({ name: 'Plain', columns: { id: { type: Number, primary: true } } })

  it.each([
    ['a text', ['Film']],
    ['a number', [5]],
    ['nothing', [undefined]],
    ['an object without entity', [{ columns: ['title'] }]],
    ['neither columns nor except', [{ entity: Film }]],
    ['both of them', [{ entity: Film, columns: ['title'], except: ['notes'] }]],
    ['a column that is no text', [{ entity: Film, columns: [1] }]],
    ['columns that are no list', [{ entity: Film, columns: 'title' }]],
    ['another option', [{ entity: Film, columns: ['title'], only: [] }]],
    ['one class twice', [Film, { entity: Film, columns: ['title'] }]],
    ['an arrow function', [() => Film]],
  ])('is refused where it has %s', (_what, changes) => {
    const error = thrownBy(() => Outbox.with({ changes: changes as never }))
    expect(error).toMatchObject({ code: expect.stringMatching(/^OPTION_(INVALID|UNKNOWN)$/) as string })
  })

  it('may hold classes and schemas, with or without columns', () => {
    for (const changes of [[Film, { entity: Work, columns: [] }, { entity: schema, except: ['id'] }], [schema]])
      expect(Outbox.with({ changes }).extension).toBe(Outbox)
  })
})

describeDatabase('values that JSON has no word for', () => {
  it.each<[string, unknown, unknown]>([
    ['a set', new Set(['a', 'b']), ['a', 'b']],
    ['a map', new Map<unknown, unknown>([['a', 1n], ['b', null]]), [['a', '1'], ['b', null]]], // prettier-ignore
    ['bigints and bytes in JSON', { list: [{ big: 2n ** 64n }], hash: Buffer.from([255]) }, { list: [{ big: '18446744073709551616' }], hash: '/w==' }], // prettier-ignore
    ['numbers and dates that are none', [Number.NaN, new Date('x')], ['NaN', null]],
  ])('are told as what comes nearest, and fail no save: %s', async (_what, value, told) => {
    const dataSource = await open([Odd])
    await withSession(dataSource, async (session) => void session.add(make(Odd, { value })))
    expect(await changesIn(dataSource)).toMatchObject([{ after: { value: told }, changes: { value: { to: told } } }])
  })

  it('are told by a save of a manager, too, as circles are', async () => {
    const dataSource = await open([Odd])
    const value: Record<string, unknown> = { labels: new Set(['a']) }
    value['self'] = value
    await dataSource.manager.save(make(Odd, { value }))
    expect(await changesIn(dataSource)).toMatchObject([{ after: { value: { labels: ['a'], self: null } } }])
  })
})

describeDatabase('keys that are too long for an order', () => {
  it('keep one by their digest, and fail no save', async () => {
    const dataSource = await open([Address])
    const urls = ['a', 'b'].map((end) => `https://x/${'y'.repeat(300)}${end}`)
    await withSession(dataSource, async (session) => void session.add(...urls.map((url) => make(Address, { url, hits: 1 }))))
    const digests = urls.map((url) => createHash('sha256').update(url).digest('hex'))
    expect((await changesIn(dataSource)).map(({ partition_key, key }) => [partition_key, key])).toEqual(
      urls.map((url, index) => [`address:${digests[index]}`, { url }]),
    )
    expect(await dataSource.manager.count(Address)).toBe(2)
  })

  it('are themselves where they just fit', async () => {
    const dataSource = await open([Address])
    const url = 'x'.repeat(255 - 'address:'.length)
    await withSession(dataSource, async (session) => void session.add(make(Address, { url, hits: 1 })))
    expect((await changesIn(dataSource)).map(({ partition_key, id }) => [partition_key, id])).toEqual([[`address:${url}`, url]])
  })
})
