/**
 * What may be declared as automatic fields, where, and what is refused when AutoFields is installed.
 *
 * @module
 */
import { install, sessionSubscriber, withContext } from 'flushpoint'
import { AutoFields, AutoId, LatestAuthor, OriginalAuthor, type AutoFieldsOf } from 'flushpoint/extensions'
import { Column, Entity, EntitySchema, ManyToMany, OneToMany, ManyToOne, JoinTable, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm'
import { errorOf } from '../../support/chains.js'
import { closeDataSources, describeDatabase, openDataSource } from '../../support/databases.js'
import { BaseModel, Company, DEALS, Deal, sequence } from '../../support/deals.js'
import { make } from '../../support/models.js'

/** Declared by options alone. */
abstract class Coded {
  @PrimaryColumn({ type: 'varchar', length: 40 }) code: string
}

@Entity()
class Ticket extends Coded {
  @Column() text: string
  @Column({ type: 'varchar', nullable: true }) author?: string | null
  @Column({ type: 'int', nullable: true }) weight?: number | null
  @Column({ type: 'boolean', default: false }) isOpen: boolean
  @Column({ type: 'varchar', length: 3, nullable: true }) short?: string | null
  @ManyToOne(() => Ticket, (ticket) => ticket.parts, { nullable: true }) whole?: Ticket | null
  @OneToMany(() => Ticket, (ticket) => ticket.whole) parts?: Ticket[]
  @ManyToMany(() => Ticket) @JoinTable() related?: Ticket[]
}

@Entity()
class UrgentTicket extends Ticket {}

@Entity()
class Counted {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
}

/** Mapped without decorators and without a class. */
const NoteSchema = new EntitySchema<{ id: string; text: string; by?: string | null }>({
  name: 'Note',
  columns: {
    id: { type: 'varchar', length: 36, primary: true },
    text: { type: 'varchar' },
    by: { type: 'varchar', nullable: true },
  },
})

const entities = [...DEALS, Ticket, UrgentTicket, Counted, NoteSchema]

describeDatabase('declarations of AutoFields', () => {
  afterEach(closeDataSources)

  const open = (fields: readonly AutoFieldsOf[], options: object = {}) =>
    openDataSource({
      entities: entities as never,
      subscribers: [sessionSubscriber({ extensions: [AutoFields.with({ fields, ...options })] })],
    })

  it('may be options, with a generator of their own, and hold for classes below', async () => {
    const ds = await open([
      { entity: Coded, id: { property: 'code', generate: sequence('T-1', 'T-2') } },
      { entity: Ticket, originalAuthor: 'author' },
      { entity: 'UrgentTicket', originalAuthor: false },
    ])
    const tickets = [make(Ticket, { text: 'a' }), make(UrgentTicket, { text: 'b' })]
    await withContext({ actor: 'ann' }, async () => {
      for (const ticket of tickets) await ds.manager.save(ticket)
    })
    expect(await ds.manager.find(Ticket)).toMatchObject([{ code: 'T-1', author: 'ann' }])
    expect(await ds.manager.find(UrgentTicket)).toMatchObject([{ code: 'T-2', author: null }])
  })

  it('may speak of an EntitySchema, with and without a class', async () => {
    const ds = await open([{ entity: NoteSchema, id: 'id', originalAuthor: 'by' }])
    const note = await withContext({ actor: 'ann' }, () => ds.getRepository(NoteSchema).save({ text: 'a' } as never))
    expect(note).toMatchObject({ id: expect.stringMatching(/^[a-z0-9]{5}$/) as string, by: 'ann' })
    expect(await ds.getRepository(NoteSchema).find()).toMatchObject([{ text: 'a', by: 'ann' }])
  })

  it('are taken from options before decorators', async () => {
    const ds = await open([{ entity: Deal, id: false }], { generate: sequence('company') })
    await ds.manager.save(make(Company, { name: 'x' }))
    expect(await ds.manager.find(Company)).toMatchObject([{ id: 'company' }])
    await ds.manager.save(make(Deal, { id: 'own', title: 'a' }))
    expect(await ds.manager.find(Deal)).toMatchObject([{ id: 'own' }])
  })

  it('may be standard decorators, which tell their class by its first instance', async () => {
    const ds = await open([])
    const initializers: ((this: unknown) => void)[] = []
    AutoId({ generate: sequence('std') })(undefined, {
      kind: 'field',
      name: 'code',
      addInitializer: (fn: (this: unknown) => void) => void initializers.push(fn),
    } as never)
    const ticket = make(Ticket, { text: 'a' })
    initializers.forEach((fn) => fn.call(ticket))
    await ds.manager.save(ticket)
    expect(await ds.manager.find(Ticket)).toMatchObject([{ code: 'std' }])
  })

  it.each<[string, AutoFieldsOf, string]>([
    ['a property that is not mapped', { entity: Ticket, id: 'cod' }, 'did you mean "code"?'],
    ['an author that is not mapped', { entity: Ticket, latestAuthor: 'autor' }, 'did you mean "author"?'],
    ['an id the database generates', { entity: Counted, id: 'id' }, 'a text column'],
    ['an id that is a number', { entity: Ticket, id: 'weight' }, 'a text column'],
    ['an id that is too short for five characters', { entity: Ticket, id: 'short' }, 'at least 5 characters'],
    ['an id that is the key of another', { entity: Ticket, id: 'whole' }, 'a text column'],
    ['an author that is true or false', { entity: Ticket, originalAuthor: 'isOpen' }, 'a text or whole number'],
    ['an author that is a list', { entity: Ticket, originalAuthor: 'parts' }, 'a to-one relation'],
    ['an author that is many', { entity: Ticket, latestAuthor: 'related' }, 'a to-one relation'],
    ['a class that is not mapped', { entity: class Stranger {}, id: 'id' }, 'the class Stranger'],
    ['a name that is not mapped', { entity: 'Tiket', id: 'id' }, 'did you mean "Ticket"?'],
    ['a field nobody knows', { entity: Ticket, author: 'author' } as never, 'fields.author'],
    ['no entity', { id: 'id' } as never, 'fields'],
    ['an id that is a number itself', { entity: Ticket, id: 7 } as never, 'fields.id'],
    ['a generator that is none', { entity: Ticket, id: { property: 'code', generate: 'x' } } as never, 'generate'],
  ])('refuse %s', async (_what, declaration, said) => {
    const error = await errorOf(open([declaration]))
    expect(error).toMatchObject({ name: 'ConfigurationError', code: 'OPTION_INVALID' })
    expect(error.message).toContain(said)
  })

  it('refuse options nobody knows', async () => {
    expect(() => AutoFields.with({ generator: () => 'x' } as never)).toThrow('did you mean "generate"?')
    expect(await errorOf(open([], { latestAuthor: 'never' }))).toMatchObject({ code: 'OPTION_INVALID' })
    expect(await errorOf(open([], { generate: 5 }))).toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('are checked by install as well, which then installs nothing', async () => {
    const ds = await openDataSource({ entities: entities as never })
    const extensions = [AutoFields.with({ fields: [{ entity: 'Ticket', id: 'cod' }] })]
    expect(await errorOf(() => install(ds, { extensions }))).toMatchObject({ code: 'OPTION_INVALID' })
    const ticket = make(Ticket, { code: 'x', text: 'a' })
    await ds.manager.save(ticket)
    expect(ticket.author ?? null).toBeNull()
  })

  it('refuse two properties of one kind in one class', () => {
    class Twice {
      first?: string
    }
    OriginalAuthor()(Twice.prototype, 'first')
    OriginalAuthor()(Twice.prototype, 'first')
    expect(() => OriginalAuthor()(Twice.prototype, 'second')).toThrow('originalAuthor of Twice')
    LatestAuthor()(Twice.prototype, 'second')
    expect(() => AutoId({ generate: 'x' as never })).toThrow('generate')
  })

  it('know the class above mapped ones', async () => {
    const ds = await open([{ entity: BaseModel, latestAuthor: false }])
    const deal = await ds.manager.save(make(Deal, { title: 'a' }))
    deal.title = 'b'
    await withContext({ actor: 'ann' }, () => ds.manager.save(deal))
    // The decorator speaks of the same class, and options come first.
    expect(await ds.manager.find(Deal)).toMatchObject([{ title: 'b', updatedBy: null }])
  })
})
