/**
 * Entities of every shape a row can come in: transformers, embedded objects, classes that share a table, keys of several parts.
 *
 * @module
 */
import 'reflect-metadata'
import {
  ChildEntity,
  Column,
  Entity,
  EntitySchema,
  JoinColumn,
  JoinTable,
  ManyToMany,
  ManyToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
  VersionColumn,
  type ValueTransformer,
} from 'typeorm'
import { databaseName } from './databases.js'

const onPostgres = databaseName() === 'postgres'
const onMariadb = databaseName() === 'mariadb'

// ---- transformers

export class Coin {
  constructor(
    readonly amount: number,
    readonly currency: string,
  ) {}

  static readonly transformer: ValueTransformer = {
    to: (coin?: Coin | null) => coin && `${coin.amount} ${coin.currency}`,
    from: (text?: string | null) => text && new Coin(Number(text.split(' ')[0]), text.split(' ')[1]!),
  }
}

const reversing: ValueTransformer = {
  to: (text: unknown) => (typeof text === 'string' ? [...text].reverse().join('') : text),
  from: (text: unknown) => (typeof text === 'string' ? [...text].reverse().join('') : text),
}
const marking: ValueTransformer = {
  to: (text: unknown) => (typeof text === 'string' ? `<${text}>` : text),
  from: (text: unknown) => (typeof text === 'string' ? text.slice(1, -1) : text),
}
/** Nothing is something, too. */
const naming: ValueTransformer = {
  to: (text?: string | null) => text ?? 'nobody',
  from: (text: string) => (text === 'nobody' ? null : text),
}
const counting: ValueTransformer = {
  to: (value?: unknown[] | null) => value && value.length,
  from: (size?: number | null) => size && Array.from({ length: size }),
}
const daily: ValueTransformer = {
  to: (text?: string | null) => text && new Date(`${text}T00:00:00Z`),
  from: (date?: Date | null) => date && new Date(date).toISOString().slice(0, 10),
}
const asSet: ValueTransformer = {
  to: (set?: Set<string> | null) => set && [...set],
  from: (list?: string[] | null) => list && new Set(list),
}

@Entity()
export class Transforming {
  @PrimaryColumn({ type: 'varchar', length: 40, transformer: marking }) id: string
  @Column({ type: 'varchar', nullable: true, transformer: Coin.transformer }) price?: Coin | null
  @Column({ type: 'varchar', nullable: true, transformer: [reversing, marking] }) chained?: string | null
  @Column({ type: 'varchar', nullable: true, transformer: naming }) owner?: string | null
  @Column({ type: 'varchar', default: 'unseen', transformer: naming }) keeper?: string | null
  @Column({ type: 'int', nullable: true, transformer: counting }) sized?: unknown[] | null
  @Column({ type: onPostgres ? 'timestamptz' : 'datetime', nullable: true, transformer: daily }) day?: string | null
  @Column({ type: 'simple-json', nullable: true, transformer: asSet }) tags?: Set<string> | null
  @Column({ type: 'varchar', default: 'x>', transformer: marking }) filled?: string
  @VersionColumn() version: number
}

// ---- embedded objects

export class Geo {
  @Column({ type: 'real', nullable: true }) lat?: number | null
  @Column({ type: 'real', nullable: true }) lng?: number | null
}

export class Address {
  @Column({ type: 'varchar', nullable: true }) street?: string | null
  @Column({ type: 'varchar', default: 'unknown' }) country: string
  @Column({ type: 'varchar', nullable: true, transformer: Coin.transformer }) rent?: Coin | null
  @Column(() => Geo, { prefix: 'g_' }) geo: Geo
  @Column(() => Geo, { prefix: false }) spot: Geo
}

@Entity()
export class Resident {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column(() => Address) home: Address
  @Column(() => Address, { prefix: 'away' }) work?: Address
}

// ---- classes that share a table

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'sort' } })
export class Craft {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Craft, { nullable: true }) tows?: Craft | null
  @VersionColumn() version: number
}

@ChildEntity()
export class Wheeled extends Craft {
  @Column({ type: 'int', nullable: true }) doors?: number | null
}

@ChildEntity('racer')
export class Racer extends Wheeled {
  @Column({ type: 'int', nullable: true, default: 200 }) speed?: number | null
}

@ChildEntity("it's a float")
export class Floating extends Craft {
  @Column({ type: 'int', nullable: true }) sails?: number | null
  @Column({ type: 'varchar', nullable: true }) port?: string | null
}

export enum Sort {
  cat = 1,
  dog = 2,
}

/** Its discriminator is a property, and a number. */
@Entity()
@TableInheritance({ column: 'sort' })
export class Pet {
  @PrimaryColumn({ length: 40 }) id: string
  @Column({ type: 'int' }) sort: Sort
  @Column({ default: 'nameless' }) name: string
}

@ChildEntity(Sort.cat)
export class Kitten extends Pet {
  @Column({ type: 'int', nullable: true }) lives?: number | null
}

@ChildEntity(Sort.dog)
export class Puppy extends Pet {
  @Column({ type: 'varchar', nullable: true }) trick?: string | null
}

/** Its discriminator is an enum. */
@Entity()
@TableInheritance({ column: { type: onPostgres || onMariadb ? 'enum' : 'simple-enum', enum: ['round', 'square'], name: 'form' } })
export class Figure {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column() name: string
}

@ChildEntity('round')
export class Circle extends Figure {
  @Column({ type: 'int', nullable: true }) radius?: number | null
}

@ChildEntity('square')
export class Square extends Figure {
  @Column({ type: 'int', nullable: true }) side?: number | null
}

// ---- keys of several parts

@Entity()
export class Room {
  @PrimaryColumn({ length: 40 }) house: string
  @PrimaryColumn({ type: 'int' }) number: number
  @Column({ default: 'white' }) colour: string
  @ManyToMany(() => Room) @JoinTable() doors?: Room[]
  @ManyToOne(() => Room, { nullable: true }) above?: Room | null
}

/** Its key is a relation to a key of several parts, and a day. */
@Entity()
export class Booking {
  @ManyToOne(() => Room, { nullable: false })
  @JoinColumn([
    { name: 'roomHouse', referencedColumnName: 'house' },
    { name: 'roomNumber', referencedColumnName: 'number' },
  ])
  room: Room
  @PrimaryColumn({ length: 40, name: 'roomHouse' }) roomHouse: string
  @PrimaryColumn({ type: 'int', name: 'roomNumber' }) roomNumber: number
  @PrimaryColumn({ type: 'date' }) day: string
  @Column({ default: 'open' }) state: string
}

/** Its key is a relation alone. */
@Entity()
export class Note {
  @ManyToOne(() => Resident, { nullable: false })
  @JoinColumn({ name: 'residentId' })
  @PrimaryColumn({ type: 'int', name: 'residentId' })
  resident: Resident
  @Column({ default: 'empty' }) text: string
}

// ---- many columns

export const WIDTH = Array.from({ length: 60 }, (_none, index) => `c${index}`)

export class Wide {
  id: number;
  [column: string]: number
}

const wideColumns = Object.fromEntries(WIDTH.map((name) => [name, { type: 'int' as const }]))
const WideSchema = new EntitySchema<Wide>({ name: 'Wide', target: Wide, columns: { id: { type: 'int', primary: true }, ...wideColumns } })

export const EVERY_SHAPE = [
  ...[Transforming, Resident, Craft, Wheeled, Racer, Floating, Pet, Kitten, Puppy, Figure, Circle, Square],
  ...[Room, Booking, Note, WideSchema],
]
