/** Values of changes that JSON has no word for: told as texts, and keys of every kind as one. */
import { withSession } from 'flushpoint'
import type { ChangePayload } from 'flushpoint/outbox'
import 'reflect-metadata'
import { Column, Entity, ManyToOne, PrimaryColumn, type DataSource } from 'typeorm'
import { Part } from '../support/columns.js'
import { databaseName, describeDatabase, isSingleConnection } from '../support/databases.js'
import { make } from '../support/models.js'
import { messagesOf, openOutbox } from '../support/outbox.js'
import { Diary, Money, Owner, ROWS, Thing } from '../support/rows.js'

/** Numbers beyond those of JavaScript as bigint. */
const asBigint = {
  to: (value: bigint | null) => value?.toString() ?? null,
  from: (value: string | null) => (value === null ? null : BigInt(value)),
}

@Entity()
class Vault {
  @PrimaryColumn({ type: 'bigint', transformer: asBigint }) id: bigint
  @Column({ type: 'bigint', transformer: asBigint }) balance: bigint
}

@Entity()
class Coin {
  @PrimaryColumn() name: string
  @Column({ type: 'simple-json' }) data: unknown
  @ManyToOne(() => Vault, { nullable: true }) vault?: Vault | null
}

@Entity()
class Print {
  @PrimaryColumn(
    databaseName() === 'postgres' ? { type: 'bytea' } : isSingleConnection() ? { type: 'blob' } : { type: 'varbinary', length: 8 },
  )
  hash: Buffer
  @Column() text: string
}

const NEVER = 'never'
const dateAsText = {
  to: (date: Date) => (Number.isNaN(date.getTime()) ? NEVER : date.toISOString()),
  from: (text: string) => new Date(text),
}

@Entity()
class Alarm {
  @PrimaryColumn() id: number
  @Column({ type: 'varchar', transformer: dateAsText }) at: Date
  @Column() text: string
}

const ENTITIES = [...ROWS, Part, Vault, Coin]

const open = () => openOutbox({ changes: ENTITIES }, { entities: ENTITIES })

async function changesIn(dataSource: DataSource) {
  return (await messagesOf(dataSource)).map(({ type, partition_key, payload }) => ({ type, partition_key, ...(payload as ChangePayload) }))
}

const save = (dataSource: DataSource, ...entities: object[]) => withSession(dataSource, async (session) => session.add(...entities))

describeDatabase('values of a change', () => {
  it('are texts where they are bytes, dates or numbers beyond those of JSON', async () => {
    const dataSource = await open()
    const owner = make(Owner, { name: 'Ann', home: { label: null, place: { city: 'Ulm', zip: 89073 } } })
    const seen = new Date('2026-05-01T10:00:00Z')
    const thing = make(Thing, {
      slug: 'a',
      owner,
      big: '9007199254740993',
      price: '12.50',
      bytes: Buffer.from([0, 255, 1]),
      seen,
      data: { deep: [1, { a: null }] },
      words: ['x', 'y'],
      worth: new Money(3, 'EUR'),
      isOpen: true,
    })
    await withSession(dataSource, async (session) => session.add(owner, thing))
    const [, change] = await changesIn(dataSource)
    expect(change).toMatchObject({
      type: 'thing.insert',
      after: {
        owner: { id: owner.id },
        big: '9007199254740993',
        price: '12.50',
        bytes: 'AP8B',
        seen: seen.toISOString(),
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        data: { deep: [1, { a: null }] },
        words: ['x', 'y'],
        worth: { amount: 3, currency: 'EUR' },
        isOpen: true,
      },
    })
  })

  it('tell embedded columns by their path', async () => {
    const dataSource = await open()
    await save(dataSource, make(Owner, { name: 'Ann', home: { label: 'flat', place: { city: 'Ulm', zip: null } } }))
    expect(await changesIn(dataSource)).toMatchObject([{ after: { name: 'Ann', 'home.label': 'flat', 'home.place.city': 'Ulm' } }])
  })

  it('are texts where they are bigints, deep in a key, too', async () => {
    const dataSource = await open()
    const vault = make(Vault, { id: 2n ** 60n, balance: -(2n ** 60n) })
    await save(dataSource, vault)
    await save(dataSource, make(Coin, { name: 'penny', data: [1], vault }))
    const id = String(2n ** 60n)
    expect(await changesIn(dataSource)).toMatchObject([
      { type: 'vault.insert', partition_key: `vault:${id}`, key: { id }, after: { balance: `-${id}` } },
      { type: 'coin.insert', after: { vault: { id } }, changes: { vault: { to: { id } } } },
    ])
  })
})

describeDatabase('values of a change that are none', () => {
  it('are null, as the database has them: gaps of lists in JSON', async () => {
    const dataSource = await open()
    await save(dataSource, make(Coin, { name: 'penny', data: [1, undefined, { a: undefined }] }))
    expect(await changesIn(dataSource)).toMatchObject([{ after: { data: [1, null, {}] } }])
  })

  it('are null where the date of a row is none', async () => {
    const dataSource = await openOutbox({ changes: [Alarm] }, { entities: [Alarm] })
    await save(dataSource, make(Alarm, { id: 1, at: new Date(NaN), text: 'a' }))
    await withSession(dataSource, async (session) => {
      const alarm = await session.getOrFail(Alarm, 1)
      alarm.at = new Date(0)
    })
    expect(await changesIn(dataSource)).toMatchObject([
      { type: 'alarm.insert', after: { at: null, text: 'a' } },
      { type: 'alarm.update', changes: { at: { from: null, to: '1970-01-01T00:00:00.000Z' } } },
    ])
  })
})

describeDatabase('keys of a change', () => {
  it('are one text where they have several parts', async () => {
    const dataSource = await open()
    await save(dataSource, make(Part, { maker: 'acme', number: 7, name: 'bolt' }))
    expect(await changesIn(dataSource)).toMatchObject([{ id: 'acme/7', partition_key: 'part:acme/7', key: { maker: 'acme', number: 7 } }])
  })

  it('tell one row from another where they are objects and dates', async () => {
    const dataSource = await open()
    const day = new Date('2026-05-01T00:00:00Z')
    await save(
      dataSource,
      ...[3, 4].map((amount) => make(Diary, { day, price: new Money(amount, 'EUR'), text: 'a' })),
      make(Diary, { day: new Date(0), price: new Money(3, 'EUR'), text: 'a' }),
    )
    const keys = (await changesIn(dataSource)).map(({ partition_key }) => partition_key)
    expect(new Set(keys).size).toBe(3)
    expect(keys[0]).toContain('2026-05-01T00:00:00.000Z')
  })

  it('tell one row from another where they are bytes', async () => {
    const dataSource = await openOutbox({ changes: [Print] }, { entities: [Print] })
    await save(
      dataSource,
      make(Print, { hash: Buffer.from([255, 254]), text: 'a' }),
      make(Print, { hash: Buffer.from([253, 252]), text: 'b' }),
    )
    expect((await changesIn(dataSource)).map(({ id, key }) => [id, key])).toEqual([
      ['//4=', { hash: '//4=' }],
      ['/fw=', { hash: '/fw=' }],
    ])
  })

  it('that are too long for a column are told by their digest, and veto no commit', async () => {
    const dataSource = await open()
    const names = ['a', 'b'].map((end) => 'x'.repeat(253) + end)
    await save(dataSource, ...names.map((maker) => make(Part, { maker, number: 7, name: 'y' })))
    const changes = await changesIn(dataSource)
    const digest = /^part:[0-9a-f]{64}$/
    expect(changes.map(({ partition_key, key }) => [partition_key, key])).toEqual(
      names.map((maker) => [expect.stringMatching(digest), { maker, number: 7 }]),
    )
    expect(new Set(changes.map(({ id }) => id)).size).toBe(2)
  })
})
