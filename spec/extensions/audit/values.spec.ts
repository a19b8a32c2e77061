/** Values in an audit trail are JSON of what is stored, and keys find their rows in every form they have. */
import { randomUUID } from 'node:crypto'
import { auditOf } from 'flushpoint/extensions'
import { ChildEntity, Column, Entity, PrimaryColumn, PrimaryGeneratedColumn, TableInheritance } from 'typeorm'
import { openAudit, trailOf } from '../../support/audit.js'
import { closeDataSources, databaseName } from '../../support/databases.js'
import { make } from '../../support/models.js'
import { describeWays } from '../../support/ways-in.js'

const DATETIME = databaseName() === 'postgres' ? 'timestamptz' : 'datetime'
const BYTES = databaseName() === 'postgres' ? 'bytea' : 'blob'
const reversed = (value: unknown) => (typeof value === 'string' ? [...value].reverse().join('') : value)

@Entity()
class Sample {
  @PrimaryColumn({ type: 'bigint' }) id: string
  @Column({ type: DATETIME, nullable: true }) at?: Date | null
  @Column({ type: BYTES, nullable: true }) bytes?: Buffer | null
  @Column({ type: 'simple-json', nullable: true }) data?: unknown
  @Column({ type: 'decimal', precision: 10, scale: 2, nullable: true }) price?: string | null
  @Column({ type: 'bigint', nullable: true }) big?: string | null
  @Column({ type: 'boolean', nullable: true }) isOn?: boolean | null
  @Column({ type: 'varchar', nullable: true, transformer: { to: reversed, from: reversed } }) secret?: string | null
  @Column({ type: 'text', nullable: true }) text?: string | null
}

@Entity()
class Token {
  @PrimaryColumn({ type: databaseName() === 'postgres' ? 'uuid' : 'varchar', length: databaseName() === 'postgres' ? undefined! : 36 })
  id: string
  @Column() name: string
}

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
class Animal {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@ChildEntity()
class Dog extends Animal {
  @Column({ nullable: true, type: 'varchar' }) bark?: string | null
}

@Entity()
class Label {
  @PrimaryColumn({ type: 'varchar', length: 255 }) name: string
  @PrimaryColumn({ type: 'varchar', length: 255 }) language: string
  @Column() text: string
}

const entities = [Sample, Token, Animal, Dog, Label]

describeWays('values of an audit trail', (way) => {
  afterEach(closeDataSources)

  it('are JSON of what the database stores, also of what transformers make', async () => {
    const dataSource = await openAudit(undefined, { entities })
    const at = new Date('2026-01-02T03:04:05.000Z')
    const values = {
      at,
      bytes: Buffer.from('hi'),
      data: { a: [1, null] },
      price: '7.50',
      big: '9007199254740993',
      isOn: true,
      secret: 'abc',
    }
    await way.save(dataSource, make(Sample, { id: '1', ...values, text: 'a "quote" 🎬 \\ \n end' }))
    const [row] = await trailOf(dataSource)
    expect(Object.fromEntries(Object.entries(row!.changes).map(([path, { to }]) => [path, to]))).toEqual({
      at: '2026-01-02T03:04:05.000Z',
      bytes: 'aGk=',
      data: { a: [1, null] },
      price: '7.50',
      big: '9007199254740993',
      isOn: true,
      secret: 'cba',
      text: 'a "quote" 🎬 \\ \n end',
    })
  })

  it('come back as what an entity has', async () => {
    const dataSource = await openAudit(undefined, { entities })
    const at = new Date('2026-01-02T03:04:05.000Z')
    const sample = await way.save(
      dataSource,
      make(Sample, { id: '1', at, bytes: Buffer.from('hi'), data: { a: 1 }, isOn: false, secret: 'abc', text: 'x' }),
    )
    const [inserted] = await auditOf(dataSource).history(sample)
    await way.remove(dataSource, sample)
    expect(await auditOf(dataSource).asOf(Sample, '1', inserted!)).toMatchObject({
      at,
      bytes: Buffer.from('hi'),
      data: { a: 1 },
      secret: 'abc',
      text: 'x',
    })
    expect(await auditOf(dataSource).asOf(Sample, '1', new Date())).toBeNull()
  })

  it('may be texts that not every JSON column takes', async () => {
    const dataSource = await openAudit(undefined, { entities })
    await way.save(dataSource, make(Sample, { id: '1', data: { nul: 'a\0b', half: 'a\ud800b' } }))
    const [row] = await trailOf(dataSource)
    expect(row!.changes['data']!.to).toEqual({ nul: 'a\0b', half: 'a\ud800b' })
  })

  it('find a row by its key as a number, a bigint or a text', async () => {
    const dataSource = await openAudit(undefined, { entities })
    await way.save(dataSource, [make(Sample, { id: '7', text: 'x' }), make(Sample, { id: '9007199254740993', text: 'y' })])
    const audit = auditOf(dataSource)
    for (const key of [7, 7n, '7', { id: 7 }, { id: '7' }]) expect(await audit.history(Sample, key as never)).toHaveLength(1)
    for (const key of [9007199254740993n, '9007199254740993']) expect(await audit.history(Sample, key)).toHaveLength(1)
  })

  it('find a row by its uuid in any letter case that the database takes for the same', async () => {
    const dataSource = await openAudit(undefined, { entities })
    const id = randomUUID()
    await way.save(dataSource, make(Token, { id, name: 'a' }))
    const given = databaseName() === 'postgres' ? id.toUpperCase() : id
    expect((await auditOf(dataSource).history(Token, given)).map(({ key }) => key)).toEqual([{ id }])
  })

  it('are told of the class of the row, and found by those above it', async () => {
    const dataSource = await openAudit(undefined, { entities })
    const dog = await way.save(dataSource, make(Dog, { name: 'Rex', bark: 'wuff' }))
    const [row] = await trailOf(dataSource)
    expect([row!.entity, row!.changes]).toEqual(['Dog', { name: { to: 'Rex' }, bark: { to: 'wuff' } }])
    const audit = auditOf(dataSource)
    expect([await audit.history(dog), await audit.history(Animal, dog.id), await audit.history(Animal)].map((told) => told.length)).toEqual(
      [1, 1, 1],
    )
    expect(await audit.asOf(Animal, dog.id, new Date())).toEqual({ id: dog.id, name: 'Rex', bark: 'wuff' })
  })

  it('keep keys that are too long for an index', async () => {
    const dataSource = await openAudit(undefined, { entities })
    const key = { name: 'n'.repeat(200), language: 'l'.repeat(200) }
    const label = await way.save(dataSource, make(Label, { ...key, text: 'a' }))
    label.text = 'b'
    await way.save(dataSource, label)
    const audit = auditOf(dataSource)
    const history = await audit.history(Label, key)
    expect(history.map(({ key, changes }) => [key, changes['text']])).toEqual([
      [key, { from: 'a', to: 'b' }],
      [key, { to: 'a' }],
    ])
    expect(await audit.asOf(Label, key, history[1]!)).toEqual({ ...key, text: 'a' })
  })
})
