/**
 * Which fields can be watched: columns, to-ones, columns of embedded objects; anything else is refused as soon as a DataSource maps the class.
 *
 * @module
 */
import { sessionSubscriber } from 'flushpoint'
import { ModelSignals, onChange, SignalDefinitionError, signalsSettled, type Connection } from 'flushpoint/signals'
import { Column, Entity, ManyToOne, OneToMany, PrimaryGeneratedColumn, type DataSource } from 'typeorm'
import { describeDatabase, openDataSource } from '../support/databases.js'
import { make } from '../support/models.js'
import { errorOf, emptyTables } from '../support/sessions.js'

class Address {
  @Column({ default: '' }) city: string
  @Column({ type: 'varchar', nullable: true }) country: string | null
}

@Entity()
class Customer {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column(() => Address) address: Address
  @ManyToOne(() => Customer, { nullable: true }) referrer?: Customer | null
  @OneToMany(() => Customer, (customer) => customer.referrer) referred?: Customer[]
}

@Entity()
class Latecomer {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

const subscriber = () => sessionSubscriber({ extensions: [ModelSignals] })
const nothing = () => undefined

describeDatabase('a watched field', () => {
  let ds: DataSource
  const kept: Connection[] = []
  beforeAll(async () => void (ds = await openDataSource({ entities: [Customer], subscribers: [subscriber()] })))
  afterEach(async () => {
    for (const connection of kept.splice(0)) connection()
    await emptyTables(ds)
  })

  it('may be a column of an embedded object, by its path', async () => {
    const told: unknown[] = []
    const one = await ds.manager.save(make(Customer, { name: 'Joni', address: make(Address, { city: 'Turin', country: 'IT' }) }))
    kept.push(onChange(Customer, 'address.city')(({ from, to, instance }) => void told.push([from, to, instance.name])))
    kept.push(onChange(Customer, 'address.country')(() => void told.push('never')))
    one.address.city = 'Genoa'
    await ds.manager.save(one)
    await signalsSettled()
    expect(told).toEqual([['Turin', 'Genoa', 'Joni']])
  })

  it('may be a to-one', () => {
    const connection = onChange(Customer, 'referrer')(nothing)
    expect(connection).toBeInstanceOf(Function)
    connection()
  })

  it.each([
    ['is misspelt', 'nme', 'name'],
    ['is misspelt in an embedded object', 'address.citty', 'address.city'],
    ['is an embedded object', 'address', 'referre'],
    ['is a collection', 'referred', 'referrer'],
  ])('is refused where it %s', async (_what, field, nearest) => {
    const error = await errorOf(() => onChange(Customer, field as never)(nothing))
    expect(error).toBeInstanceOf(SignalDefinitionError)
    expect(error).toMatchObject({ code: 'SIGNAL_FIELD_UNKNOWN', message: expect.stringContaining(`"${field}" of Customer`) })
    if (field !== 'address') expect((error as Error).message).toContain(`"${nearest}"`)
  })
})

describeDatabase('a field of a class that is mapped later', () => {
  it('is refused by the DataSource that maps it, as long as somebody watches it', async () => {
    const connection = onChange(Latecomer, 'nme' as never)(nothing)
    const open = () => openDataSource({ entities: [Latecomer], subscribers: [subscriber()] })
    expect(await errorOf(open())).toMatchObject({ code: 'SIGNAL_FIELD_UNKNOWN', message: expect.stringContaining('"name"') })
    connection()
    expect((await open()).isInitialized).toBe(true)
  })
})
