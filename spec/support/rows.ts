/**
 * Entities of every kind a row can have: composite and foreign keys, embedded objects, transformers, columns the database fills in.
 *
 * @module
 */
import 'reflect-metadata'
import {
  ChildEntity,
  Column,
  CreateDateColumn,
  DeleteDateColumn,
  Entity,
  Index,
  JoinColumn,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
  Unique,
  UpdateDateColumn,
  VersionColumn,
} from 'typeorm'
import { databaseName } from './databases.js'

const onPostgres = databaseName() === 'postgres'

/** A value object that can be changed in place. */
export class Money {
  constructor(
    public amount: number,
    public currency: string,
  ) {}

  static readonly transformer = {
    to: (money?: Money | null) => money && `${money.amount} ${money.currency}`,
    from: (text?: string | null) => text && new Money(Number(text.split(' ')[0]), text.split(' ')[1]!),
  }
}

export class Place {
  @Column({ nullable: true, type: 'varchar' }) city?: string | null
  @Column({ nullable: true, type: 'int' }) zip?: number | null
  @ManyToOne(() => Owner, { nullable: true }) agent?: Owner | null
}

export class Home {
  @Column({ nullable: true, type: 'varchar' }) label?: string | null
  @Column(() => Place) place: Place
}

@Entity()
export class Owner {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) name: string
  @Column(() => Home) home: Home
  @OneToMany(() => Thing, (thing) => thing.owner, { cascade: true }) things?: Thing[]
  @OneToOne(() => Badge, (badge) => badge.owner) badge?: Badge | null
  @ManyToMany(() => Owner, (owner) => owner.followers) @JoinTable() follows?: Owner[]
  @ManyToMany(() => Owner, (owner) => owner.follows) followers?: Owner[]
}

@Entity()
export class Badge {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column() text: string
  @Column({ nullable: true, type: 'int' }) ownerId?: number | null
  @OneToOne(() => Owner, (owner) => owner.badge, { nullable: true, onDelete: 'SET NULL' }) @JoinColumn() owner?: Owner | null
}

@Entity()
@Unique(['owner', 'slug'])
@Index(['slug', 'kind'], { unique: true })
@Index(['kind'])
export class Thing {
  @PrimaryGeneratedColumn() id: number
  @Column() slug: string
  @Column({ default: 'plain' }) kind: string
  @ManyToOne(() => Owner, (owner) => owner.things, { nullable: false, orphanedRowAction: 'delete' }) owner: Owner
  @Column({ type: 'simple-json', nullable: true }) data?: unknown
  @Column({ type: 'simple-array', nullable: true }) words?: string[] | null
  @Column({ type: 'bigint', nullable: true }) big?: string | number | bigint | null
  @Column({ type: 'decimal', precision: 10, scale: 2, nullable: true }) price?: string | number | null
  @Column({ type: onPostgres ? 'bytea' : 'blob', nullable: true }) bytes?: Buffer | null
  @Column({ type: onPostgres ? 'timestamptz' : 'datetime', nullable: true }) seen?: Date | null
  @Column({ type: 'varchar', nullable: true, transformer: Money.transformer }) worth?: Money | null
  @Column({ nullable: true, type: 'boolean' }) isOpen?: boolean | null
  @Column({ update: false, default: 'once' }) origin: string
  @ManyToMany(() => Label, (label) => label.things) @JoinTable() labels?: Label[]
  @CreateDateColumn() createdAt: Date
  @UpdateDateColumn() updatedAt: Date
  @DeleteDateColumn() deletedAt?: Date | null
  @VersionColumn() version: number
}

/** A composite key of which one part is a relation with a property of its own. */
@Entity()
export class Seat {
  @PrimaryColumn() ownerId: number
  @PrimaryColumn() row: string
  @ManyToOne(() => Owner, { nullable: false }) @JoinColumn({ name: 'ownerId' }) owner: Owner
  @Column() text: string
}

/** Refers to a composite key. */
@Entity()
export class Ticket {
  @PrimaryGeneratedColumn() id: number
  @ManyToOne(() => Seat, { nullable: true }) seat?: Seat | null
}

/** Its key and its relation are one property. */
@Entity()
export class Profile {
  @PrimaryColumn({ name: 'owner_id', type: 'int' }) @OneToOne(() => Owner) @JoinColumn({ name: 'owner_id' }) owner: Owner
  @Column() text: string
}

@Entity()
export class Label {
  @PrimaryColumn() code: string
  @ManyToMany(() => Thing, (thing) => thing.labels) things?: Thing[]
  @ManyToOne(() => Owner, { lazy: true, nullable: true }) author: Promise<Owner | null>
}

/** Its key parts are not what the driver stores. */
@Entity()
export class Diary {
  @PrimaryColumn({ type: onPostgres ? 'timestamptz' : 'datetime' }) day: Date
  @PrimaryColumn({ type: 'varchar', length: 40, transformer: Money.transformer }) price: Money
  @Column() text: string
}

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
export class Vehicle {
  @PrimaryGeneratedColumn() id: number
  @Column() kind: string
  @Column() name: string
}

@ChildEntity('car')
export class Car extends Vehicle {
  @Column({ nullable: true, type: 'int' }) doors?: number | null
  @ManyToOne(() => Owner, { nullable: true }) driver?: Owner | null
}

@ChildEntity('boat')
export class Boat extends Vehicle {
  @Column({ nullable: true, type: 'int' }) sails?: number | null
}

export const ROWS = [Owner, Badge, Thing, Seat, Ticket, Profile, Label, Diary, Vehicle, Car, Boat]
