/**
 * What AutoFields puts where an author is to be: which object on a relation, and what a column refuses.
 *
 * @module
 */
import { openSession, withContext } from 'flushpoint'
import { AutoFields, OriginalAuthor } from 'flushpoint/extensions'
import { Column, Entity, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm'
import { errorOf, useDatabase } from '../../support/chains.js'
import { describeDatabase } from '../../support/databases.js'
import { DEALS, Letter, Page, User } from '../../support/deals.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

const UUID = '0b5c0c7e-6d1c-4f4e-9c1d-0a1b2c3d4e5f'

/** Its author comes along with it where it is new. */
@Entity()
class Parcel {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
  @OriginalAuthor() @ManyToOne(() => User, { nullable: true, cascade: ['insert'] }) sender?: User | null
}

@Entity()
class Machine {
  @PrimaryColumn('uuid') id: string
}

@Entity()
class Reading {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
  @OriginalAuthor() @ManyToOne(() => Machine, { nullable: true }) machine?: Machine | null
}

@Entity()
class Stamp {
  @PrimaryGeneratedColumn() id: number
  @OriginalAuthor() @Column({ type: 'int', nullable: true }) by?: number | null
}

@Entity()
class Coded {
  @PrimaryGeneratedColumn() id: number
  @OriginalAuthor()
  @Column({ type: 'int', nullable: true, transformer: { to: (by?: string) => by?.length, from: (by: unknown) => by } })
  by?: string | null
}

const entities = [...DEALS, Parcel, Machine, Reading, Stamp, Coded]

describeWays('an author that AutoFields puts on a relation', (way) => {
  const db = useDatabase(entities)

  it('is an instance of its class with the key alone', async () => {
    await way.seed(db.ds, make(User, { id: 1, name: 'Ann' }))
    db.use(AutoFields)
    for (const actor of [1, { id: 1, name: 'somebody' }, make(User, { id: 1, name: 'somebody' })]) {
      const letter = make(Letter, { text: 'a' })
      await withContext({ actor }, () => way.save(db.ds, letter))
      expect(letter.sender).toBeInstanceOf(User)
      expect({ ...letter.sender }).toEqual({ id: 1 })
    }
    expect(await db.ds.manager.find(User)).toEqual([{ id: 1, name: 'Ann' }])
  })

  it('is never inserted as a new one, be it that the relation cascades inserts', async () => {
    await way.seed(db.ds, make(User, { id: 1, name: 'Ann' }))
    db.use(AutoFields)
    await withContext({ actor: make(User, { id: 1, name: 'somebody' }) }, () => way.save(db.ds, make(Parcel, { text: 'a' })))
    expect(await db.ds.manager.find(Parcel, { relations: { sender: true } })).toMatchObject([{ sender: { id: 1, name: 'Ann' } }])
    expect(await db.ds.manager.find(User)).toEqual([{ id: 1, name: 'Ann' }])
  })

  it.each<[string, new () => object, unknown, string]>([
    ['a text', Stamp, 'ada', 'a whole number, current value is a string'],
    ['a text with more than a number', Stamp, { id: '7 apples' }, 'a whole number'],
    ['an empty text', Stamp, '', 'a whole number'],
    ['a broken number', Stamp, 1.5, 'a whole number'],
    ['no number', Stamp, NaN, 'a whole number'],
    ['a text for the key of a relation', Letter, 'ada', 'a whole number'],
    ['a text that is no uuid', Reading, 'ada', 'a uuid'],
    ['a number for a uuid', Reading, 7, 'a uuid'],
  ])('is refused where it is %s that the column cannot hold', async (_what, type, actor, wanted) => {
    db.use(AutoFields)
    const error = await errorOf(withContext({ actor }, () => way.save(db.ds, Object.assign(new type(), { text: 'a' }))))
    expect(error).toMatchObject({ name: 'DataError', code: 'AUTHOR_UNUSABLE' })
    expect(error.message).toContain(wanted)
    expect(error.message).not.toContain('ada')
    expect(await db.ds.manager.count(type)).toBe(0)
  })

  it('is refused on update as well', async () => {
    const page = await way.seed(db.ds, make(Page, { text: 'a', authors: { first: null, last: 3 } }))
    db.use(AutoFields)
    page.text = 'b'
    expect(await errorOf(withContext({ actor: 'ada' }, () => way.save(db.ds, page)))).toMatchObject({ code: 'AUTHOR_UNUSABLE' })
    expect(await db.ds.manager.find(Page)).toMatchObject([{ text: 'a', authors: { last: 3 } }])
  })

  it('may be a number in a text, a uuid, or whatever a transformer takes', async () => {
    await way.seed(db.ds, make(Machine, { id: UUID }))
    db.use(AutoFields)
    for (const actor of ['7', 7, { id: '-7' }]) await withContext({ actor }, () => way.save(db.ds, make(Stamp, {})))
    expect((await db.ds.manager.find(Stamp, { order: { id: 'ASC' } })).map(({ by }) => by)).toEqual([7, 7, -7])
    await withContext({ actor: UUID }, () => way.save(db.ds, make(Reading, { text: 'b' })))
    expect(await db.ds.manager.find(Reading, { where: { text: 'b' }, relations: { machine: true } })).toMatchObject([
      { machine: { id: UUID } },
    ])
    await withContext({ actor: 'ada' }, () => way.save(db.ds, make(Coded, {})))
    expect(await db.ds.manager.find(Coded)).toMatchObject([{ by: 3 }])
  })
})

describeDatabase('an author that is an entity of the session', () => {
  const db = useDatabase(entities)

  it('is put on the relation itself', async () => {
    await db.ds.manager.insert(User, [
      { id: 1, name: 'Ann' },
      { id: 2, name: 'Bob' },
    ])
    const session = openSession(db.use(AutoFields))
    try {
      const [ann, bob] = await session.find(User).order({ id: 'ASC' }).all()
      const [letter, parcel] = [make(Letter, { text: 'a' }), make(Parcel, { text: 'a' })]
      session.add(letter, parcel)
      await withContext({ actor: ann }, () => session.flush())
      expect(letter.sender).toBe(ann)
      expect(parcel.sender).toBe(ann)
      letter.text = 'b'
      await withContext({ actor: bob }, () => session.flush())
      expect(letter.editor).toBe(bob)
    } finally {
      await session.close()
    }
    expect(await db.ds.manager.find(Letter, { relations: { sender: true, editor: true } })).toMatchObject([
      { sender: { id: 1, name: 'Ann' }, editor: { id: 2, name: 'Bob' }, editorId: 2 },
    ])
  })
})
