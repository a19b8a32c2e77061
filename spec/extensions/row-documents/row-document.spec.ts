/** Rows as JSON documents: what stands in them, and the way back. */
import {
  Column,
  Entity,
  JoinColumn,
  JoinTable,
  ManyToMany,
  ManyToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  type EntityMetadata,
} from 'typeorm'
import { ValueRefused, storedFromJson } from '../../../lib/extensions/row-documents/column-json.js'
import type { JsonValue } from '../../../lib/extensions/row-documents/json-value.js'
import {
  documentOf,
  documentOfImage,
  jsonAt,
  jsonOfImage,
  partsOf,
  valueOfJson,
} from '../../../lib/extensions/row-documents/row-document.js'
import { describeDatabase, openDataSource } from '../../support/databases.js'
import { make } from '../../support/models.js'

class Engine {
  @Column() maker: string
  @Column({ type: 'float', nullable: true }) litres: number | null
}

@Entity()
class Garage {
  @PrimaryColumn() town: string
  @PrimaryColumn() number: number
}

@Entity()
class Badge {
  @PrimaryGeneratedColumn() id: number
  @Column() label: string
}

const reversed = {
  to: (value: string | null) => value?.split('').reverse().join('') ?? null,
  from: (value: string | null) => value?.split('').reverse().join('') ?? null,
}

@Entity()
class Car {
  @PrimaryGeneratedColumn() id: number
  @Column() model: string
  @Column({ type: 'varchar', nullable: true, transformer: reversed }) secret: string | null
  @Column(() => Engine) engine: Engine
  @Column({ type: 'simple-json', nullable: true }) notes: unknown
  @Column({ type: 'simple-array', nullable: true }) names: string[] | null
  @Column({ type: 'decimal', precision: 10, scale: 2, nullable: true }) price: string | null
  @Column({ type: 'int', nullable: true }) doors: number | null
  @Column({ default: false }) isSold: boolean
  @Column({ type: process.env['DB'] === 'postgres' ? 'timestamp' : 'datetime', nullable: true }) soldAt: Date | null
  @Column({ type: process.env['DB'] === 'postgres' ? 'bytea' : 'blob', nullable: true }) photo: Buffer | null
  @ManyToOne(() => Garage) @JoinColumn() garage?: Garage | null
  @ManyToMany(() => Badge) @JoinTable() badges?: Badge[]
}

const INSTANT = new Date('2026-11-22T10:11:12.345Z')

describeDatabase('row documents', () => {
  let metadata: EntityMetadata

  beforeAll(async () => {
    metadata = (await openDataSource({ entities: [Car, Garage, Badge] })).getMetadata(Car)
  })

  function car(): Car {
    return make(Car, {
      id: 7,
      model: 'Beetle',
      secret: 'abc',
      engine: make(Engine, { maker: 'VW', litres: 1.2 }),
      notes: { b: [1, { z: 1, a: 2 }], a: null },
      names: ['Herbie', '53'],
      price: '12.50',
      doors: 2,
      isSold: true,
      soldAt: INSTANT,
      photo: Buffer.from([0, 255]),
      garage: make(Garage, { town: 'Bonn', number: 3 }),
      badges: [make(Badge, { id: 9, label: 'x' }), make(Badge, { id: 2, label: 'y' })],
    })
  }

  it('have stored values, nested columns, keys of others, and names in order', () => {
    const document = documentOf(metadata, car())
    expect(document).toEqual({
      $model: 'Car',
      badges: [{ id: 2 }, { id: 9 }],
      doors: 2,
      engine: { litres: 1.2, maker: 'VW' },
      garage: { number: 3, town: 'Bonn' },
      id: 7,
      isSold: true,
      model: 'Beetle',
      names: ['Herbie', '53'],
      notes: { a: null, b: [1, { a: 2, z: 1 }] },
      photo: 'AP8=',
      price: '12.50',
      secret: 'cba',
      soldAt: '2026-11-22T10:11:12.345Z',
    })
    expect(Object.keys(document)).toEqual(Object.keys(document).sort())
    expect(JSON.stringify(document.notes)).toBe('{"a":null,"b":[1,{"a":2,"z":1}]}')
  })

  it('leave out what was not loaded, and keep what is null', () => {
    expect(documentOf(metadata, make(Car, { id: 1, model: 'Mini', garage: null }))).toEqual({
      $model: 'Car',
      garage: null,
      id: 1,
      model: 'Mini',
    })
  })

  it('say under "model" whose they are, where the class has no such property', () => {
    const badge = metadata.connection.getMetadata(Badge)
    expect(documentOf(badge, make(Badge, { id: 1, label: 'x' }))).toEqual({ id: 1, label: 'x', model: 'Badge' })
  })

  it('are made of images as changes carry them', () => {
    const image = { id: 7, 'engine.maker': 'VW', garage: { town: 'Bonn', number: 3 }, secret: 'abc' }
    expect(jsonOfImage(metadata, image)).toEqual({ id: 7, 'engine.maker': 'VW', garage: { number: 3, town: 'Bonn' }, secret: 'cba' })
    expect(documentOfImage(metadata, image)).toEqual({
      $model: 'Car',
      engine: { maker: 'VW' },
      garage: { number: 3, town: 'Bonn' },
      id: 7,
      secret: 'cba',
    })
  })

  it('give every value back', () => {
    const original = car()
    const document = JSON.parse(JSON.stringify(documentOf(metadata, original))) as JsonValue
    const values = Object.fromEntries(
      partsOf(metadata).map((part) => [part.path, valueOfJson(part, jsonAt(document, part.path)!)] as const),
    )
    expect(values).toEqual({
      ...Object.fromEntries(Object.entries(original).filter(([name]) => name !== 'engine')),
      'engine.maker': 'VW',
      'engine.litres': 1.2,
      garage: { town: 'Bonn', number: 3 },
      badges: [{ id: 2 }, { id: 9 }],
    })
  })

  it.each<[path: string, json: JsonValue, wanted: RegExp]>([
    ['doors', 'two', /a whole number/],
    ['doors', 2.5, /a whole number/],
    ['isSold', 'yes', /true or false|a whole number/],
    ['soldAt', 'yesterday', /a date and time in ISO form/],
    ['soldAt', 17, /a date and time in ISO form/],
    ['photo', 'not base64!', /bytes in base64/],
    ['model', 5, /a text/],
    ['model', null, /a value, since the column is not nullable/],
    ['names', 'Herbie', /a list/],
    ['price', { much: 1 }, /a number/],
  ])('refuse as %s %j', (path, json, wanted) => {
    const column = metadata.findColumnWithPropertyPath(path)!
    expect(() => storedFromJson(column, json)).toThrow(ValueRefused)
    expect(() => storedFromJson(column, json)).toThrow(wanted)
  })
})
