/**
 * Sets of rows of which the database refuses one: what the error tells, and what is left.
 *
 * @module
 */
import 'reflect-metadata'
import { Check, Column, Entity, ManyToOne, PrimaryGeneratedColumn, QueryFailedError } from 'typeorm'
import { many } from '../../support/crowd.js'
import { databaseName, describeDatabase, isSingleConnection } from '../../support/databases.js'
import { errorOf, useSessions } from '../../support/sessions.js'

const onPostgres = databaseName() === 'postgres'
const onMariadb = databaseName() === 'mariadb'
const bySets = process.env['ENGINE'] !== 'row'

@Entity()
class Club {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
@Check('grown', 'age < 200')
class Member {
  @PrimaryGeneratedColumn() id: number
  @Column({ length: 20 }) name: string
  @Column({ type: 'int' }) age: number
  @Column({ unique: true, length: 40 }) code: string
  /** Really it must not be null. */
  @Column({ type: 'varchar', nullable: true, length: 40 }) note?: string | null
  @Column({ type: isSingleConnection() ? 'simple-enum' : 'enum', enum: ['guest', 'owner'], default: 'guest' }) rank: string
  @Column({ type: 'date', nullable: true }) born?: string | null
  @Column({ type: 'int', nullable: true }) clubId?: number | null
  @ManyToOne(() => Club, { nullable: true }) club?: Club | null
}

/** How much of the culprit is told: its row and property, the property, or the statement alone; nothing where the value is taken. */
type Telling = 'row' | 'property' | 'statement' | undefined

interface Bad {
  readonly values: object
  readonly property: string
  readonly postgres: Telling
  /** Of an insert; an update tells as much but for the row, unless the message quotes the value. */
  readonly mariadb: Telling
  readonly sqlite: Telling
}

const BAD: Record<string, Bad> = {
  'is too long': { values: { name: 'x'.repeat(21) }, property: 'name', postgres: 'statement', mariadb: 'row', sqlite: undefined },
  'is missing where only the table wants it': {
    values: { note: null },
    property: 'note',
    postgres: 'row',
    mariadb: 'row',
    sqlite: undefined,
  },
  'breaks a check': { values: { age: 300 }, property: 'age', postgres: 'row', mariadb: 'property', sqlite: 'property' },
  'is another row’s unique value': { values: { code: 'taken' }, property: 'code', postgres: 'row', mariadb: 'row', sqlite: 'property' },
  'refers to nothing': { values: { clubId: 999 }, property: 'clubId', postgres: 'row', mariadb: 'property', sqlite: 'statement' },
  'is not of its enum': { values: { rank: 'king' }, property: 'rank', postgres: 'statement', mariadb: 'row', sqlite: 'statement' },
  'is a text in a column of numbers': {
    values: { age: 'twelve' },
    property: 'age',
    postgres: 'statement',
    mariadb: 'row',
    sqlite: 'statement',
  },
  'is a number beyond its column': {
    values: { age: 99_999_999_999 },
    property: 'age',
    postgres: 'statement',
    mariadb: 'row',
    sqlite: 'statement',
  },
  'is a date that is none': { values: { born: '2024-02-31' }, property: 'born', postgres: 'statement', mariadb: 'row', sqlite: undefined },
}
const tellingOf = (bad: Bad): Telling => bad[onPostgres ? 'postgres' : onMariadb ? 'mariadb' : 'sqlite']
const REFUSED = Object.entries(BAD).filter(([, bad]) => tellingOf(bad) !== undefined)

describeDatabase('a value of one row of twenty', () => {
  const db = useSessions([Club, Member])
  beforeAll(async () => {
    if (onPostgres) await db.ds.query('ALTER TABLE member ALTER COLUMN note SET NOT NULL')
    if (onMariadb) await db.ds.query('ALTER TABLE member MODIFY note varchar(40) NOT NULL, ADD CONSTRAINT grown CHECK (age < 200)')
  })

  async function members(): Promise<Member[]> {
    const [club] = await db.save(Club, { name: 'club' })
    await db.save(Member, { name: 'taken', age: 1, code: 'taken', note: '' })
    return many(Member, 20, (index) => ({
      name: `m${index}`,
      rank: 'guest',
      age: index,
      code: `c${index}`,
      note: 'n',
      clubId: club!.id,
      born: '2020-01-01',
    }))
  }

  /** What the table holds but for keys. */
  const stored = async () => (await db.rows(Member)).map(({ name, age, code, rank }) => [name, age, code, rank])
  const TAKEN = ['taken', 1, 'taken', 'guest']

  function expectTold(error: Error, { property }: Bad, telling: Telling): void {
    expect(error).toBeInstanceOf(QueryFailedError)
    const [, row] = /\(row (\d+) of \d+\)/.exec(error.message) ?? []
    expect(row ?? '8').toBe('8')
    if (telling === 'row') expect(error.message).toMatch(bySets ? /Member.* \(row 8 of 20\)/ : /of Member/)
    else expect(error.message).toMatch(/Refused in the (insert|update) of .*Member/)
    if (telling === 'row' || telling === 'property') expect(error.message).toMatch(new RegExp(`, ${property}$`))
  }

  it.each(REFUSED)('that %s leaves nothing inserted, and goes once it is mended', async (_name, bad) => {
    const all = await members()
    const session = db.open()
    session.add(...all)
    const culprit = all[7]!
    const good = { ...culprit }
    Object.assign(culprit, bad.values)
    expectTold(await errorOf(session.flush()), bad, tellingOf(bad))

    expect(await stored()).toEqual([TAKEN])
    expect([session.uow.new.size, all.map(({ id }) => id)]).toEqual([20, all.map(() => undefined)])
    Object.assign(culprit, good)
    await session.flush()
    expect(await stored()).toEqual([TAKEN, ...all.map(({ name, age, code }) => [name, age, code, 'guest'])])
  })

  it.each(REFUSED)('that %s leaves nothing updated, and goes once it is mended', async (_name, bad) => {
    const all = await members()
    const session = db.open()
    session.add(...all)
    await session.flush()
    const before = await stored()
    for (const [index, member] of all.entries())
      Object.assign(member, index % 2 ? { age: 50, note: '!', code: `!${index}` } : { name: '!' })
    const culprit = all[7]!
    const good = { ...culprit }
    Object.assign(culprit, bad.values)
    expectTold(await errorOf(session.flush()), bad, onMariadb ? undefined : tellingOf(bad) === 'row' ? 'property' : tellingOf(bad))

    expect(await stored()).toEqual(before)
    expect(session.uow.dirty.size).toBe(20)
    Object.assign(culprit, good)
    await session.flush()
    expect(await stored()).toEqual([TAKEN, ...all.map(({ name, age, code }) => [name, age, code, 'guest'])])
  })

  it('that another of them has already is told of the later one', async () => {
    const all = await members()
    all[7]!.code = 'c3'
    const session = db.open()
    session.add(...all)
    const error = await errorOf(session.flush())
    expectTold(error, BAD['is another row’s unique value']!, 'row')
  })
})
