/**
 * Entities that are written twice, by sessions and by TypeORM alone: every kind of key, column and relation, each with a `code` to know its
 * row by in both databases.
 *
 * Where what TypeORM 0.3 or 1 leaves would depend on its defects, the classes avoid that. What it updates twice in one save (keys set later,
 * orphans that are changed besides), or again with every save (dates with a transformer, texts that come back otherwise), has no version
 * that would count it. What has a delete date is no member of a collection, since 0.3 does not see the links of what is soft-removed. No
 * child class has a column with a default, since an object of the base class would be told of it and write it again. No relation cascades
 * removals, which 0.3 and 1 do not do alike.
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
  JoinColumn,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
  UpdateDateColumn,
  VersionColumn,
} from 'typeorm'
import { Day } from './columns.js'
import { databaseName } from './databases.js'
import { Money, Mood } from './session-models.js'

const onPostgres = databaseName() === 'postgres'
const onMariadb = databaseName() === 'mariadb'

const JSON_TYPE = onPostgres ? 'jsonb' : onMariadb ? 'json' : 'simple-json'
const MOMENT = { type: onPostgres ? 'timestamptz' : 'datetime', ...(onPostgres || onMariadb ? { precision: 3 } : {}) } as const
const DECIMAL = { type: 'decimal', precision: 20, scale: 4, nullable: true } as const

/** Its key is given, and leads to itself. */
@Entity()
export class Port {
  @PrimaryColumn({ type: 'varchar', length: 40 }) code: string
  @Column({ type: 'varchar', nullable: true, unique: true }) sign?: string | null
  @Column({ type: 'varchar', nullable: true }) odd?: string | null
  @Column({ type: onPostgres ? 'double precision' : onMariadb ? 'double' : 'real', nullable: true }) depth?: number | null
  @Column({ type: onPostgres ? 'bytea' : 'blob', nullable: true }) plan?: Buffer | null
  @Column({ ...MOMENT, nullable: true, transformer: Day.transformer }) opened?: Day | null
  @Column({ type: 'simple-json', nullable: true }) notes?: unknown
  @Column(onPostgres ? { type: 'text', array: true, nullable: true } : { type: 'simple-json', nullable: true }) tides?: string[] | null
  @ManyToOne(() => Port, { nullable: true, onDelete: 'SET NULL' }) near?: Port | null
  @ManyToMany(() => Port) @JoinTable({ name: 'port_links' }) links?: Port[]
}

export class Point {
  @Column({ type: 'int', nullable: true }) x?: number | null
  @Column({ type: 'int', nullable: true }) y?: number | null
}

export class Address {
  @Column({ type: 'varchar', nullable: true }) street?: string | null
  @Column({ type: 'varchar', nullable: true, transformer: Money.transformer }) rent?: Money | null
  @Column(() => Point) at: Point
}

@Entity()
export class Craft {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column({ unique: true }) code: string
  @Column({ type: 'varchar', nullable: true, default: 'none' }) tool?: string | null
  @Column({ default: 3 }) grade: number
  @Column({ type: 'varchar', nullable: true, update: false }) maker?: string | null
}

/** Everything that is filled in, and columns of all kinds. */
@Entity()
export class Sailor {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) code: string
  @Column({ type: 'varchar', nullable: true }) name?: string | null
  @Column({ type: 'varchar', nullable: true, default: 'mate' }) rank?: string | null
  @Column({ default: true }) isFit: boolean
  @Column(DECIMAL) pay?: string | number | null
  @Column({ type: 'bigint', nullable: true }) miles?: string | number | null
  @Column({ type: 'date', nullable: true }) born?: string | null
  @Column({ ...MOMENT, nullable: true }) seen?: Date | null
  @Column({ type: JSON_TYPE, nullable: true }) data?: unknown
  @Column({ type: 'simple-array', nullable: true }) words?: string[] | null
  @Column({ type: onPostgres || onMariadb ? 'enum' : 'simple-enum', enum: Mood, nullable: true }) mood?: Mood | null
  @Column({ type: 'varchar', nullable: true, transformer: Money.transformer }) debt?: Money | null
  @Column(() => Address) address: Address
  @ManyToOne(() => Port, { nullable: true }) home?: Port | null
  @ManyToOne(() => Sailor, { nullable: true, onDelete: 'SET NULL' }) mentor?: Sailor | null
  @ManyToMany(() => Craft) @JoinTable({ name: 'sailor_crafts' }) crafts?: Craft[]
  @CreateDateColumn() createdAt: Date
  @UpdateDateColumn() updatedAt: Date
  @DeleteDateColumn() deletedAt?: Date | null
  @VersionColumn() version: number
}

/** The database deletes it with its sailor, whose key is a property of its own. */
@Entity()
export class Licence {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column({ unique: true }) code: string
  @Column({ type: 'varchar', nullable: true }) text?: string | null
  @Column({ type: 'int', nullable: true }) sailorId?: number | null
  @OneToOne(() => Sailor, { nullable: true, onDelete: 'CASCADE' }) @JoinColumn() sailor?: Sailor | null
  @VersionColumn() version: number
}

@Entity()
export class Berth {
  @PrimaryColumn({ type: 'varchar', length: 20 }) pier: string
  @PrimaryColumn({ type: 'int' }) place: number
  @Column({ unique: true }) code: string
  @Column({ type: 'int', nullable: true }) length?: number | null
  @ManyToOne(() => Port, { nullable: true }) port?: Port | null
  @ManyToMany(() => Service, (service) => service.berths) @JoinTable({ name: 'berth_services' }) services?: Service[]
  @UpdateDateColumn() updatedAt: Date
  @VersionColumn() version: number
}

/** Its many-to-many is edited from the side that does not own the junction. */
@Entity()
export class Service {
  @PrimaryColumn({ type: 'int' }) number: number
  @Column({ unique: true }) code: string
  @ManyToMany(() => Berth, (berth) => berth.services) berths?: Berth[]
}

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
export class Ship {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) code: string
  @Column({ type: 'varchar', nullable: true }) name?: string | null
  @ManyToOne(() => Berth, { nullable: true }) berth?: Berth | null
  @DeleteDateColumn() deletedAt?: Date | null
  @VersionColumn() version: number
}

@ChildEntity('ferry')
export class Ferry extends Ship {
  @Column({ type: 'int', nullable: true }) seats?: number | null
  @ManyToOne(() => Sailor, { nullable: true }) captain?: Sailor | null
}

@ChildEntity('trawler')
export class Trawler extends Ship {
  @Column({ type: 'simple-array', nullable: true }) nets?: string[] | null
  @Column(() => Address) office: Address
}

/** Crates may stand on each other in a circle. */
@Entity()
export class Crate {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) code: string
  @Column({ type: 'varchar', nullable: true }) label?: string | null
  @ManyToOne(() => Ship, { nullable: true, onDelete: 'SET NULL' }) ship?: Ship | null
  @ManyToOne(() => Crate, { nullable: true, onDelete: 'SET NULL' }) under?: Crate | null
  @OneToMany(() => Parcel, (parcel) => parcel.crate, { cascade: ['insert', 'update'] }) parcels?: Parcel[]
  @OneToMany(() => Seal, (seal) => seal.crate, { cascade: ['insert', 'update'] }) seals?: Seal[]
}

/** Its crate is part of its key. */
@Entity()
export class Slot {
  @PrimaryColumn() crateId: number
  @PrimaryColumn() place: number
  @Column({ unique: true }) code: string
  @Column({ type: 'varchar', nullable: true }) note?: string | null
  @ManyToOne(() => Crate, { nullable: false, onDelete: 'CASCADE' }) @JoinColumn({ name: 'crateId' }) crate: Crate
}

/** Loses its crate when that drops it. */
@Entity()
export class Parcel {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column({ unique: true }) code: string
  @Column(DECIMAL) weight?: string | number | null
  @ManyToOne(() => Crate, (crate) => crate.parcels, { nullable: true, onDelete: 'SET NULL' }) crate?: Crate | null
}

/** Deleted when its crate drops it. */
@Entity()
export class Seal {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) code: string
  @Column({ type: 'varchar', nullable: true }) wax?: string | null
  @ManyToOne(() => Crate, (crate) => crate.seals, { nullable: false, orphanedRowAction: 'delete' }) crate: Crate
}

export const TWINS = [Port, Craft, Sailor, Licence, Berth, Service, Ship, Ferry, Trawler, Crate, Slot, Parcel, Seal]
