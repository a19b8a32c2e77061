/**
 * Entities that come in great numbers, for specs of what many rows cost and what happens to them.
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
  JoinTable,
  ManyToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
  UpdateDateColumn,
  VersionColumn,
} from 'typeorm'

/** Its database fills in whatever can be filled in. */
@Entity()
export class Parcel {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ default: 'shelf' }) place: string
  @Column({ type: 'int', default: 7 }) weight: number
  @CreateDateColumn() createdAt: Date
  @UpdateDateColumn() updatedAt: Date
  @DeleteDateColumn() deletedAt?: Date | null
  @VersionColumn() version: number
  @ManyToMany(() => Stamp) @JoinTable() stamps?: Stamp[]
}

/** Of its columns the table makes the key and a default. */
@Entity()
export class Token {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ default: 'new' }) state: string
}

@Entity()
export class Stamp {
  @PrimaryColumn({ length: 20 }) code: string
}

/** Nothing but what it is given. */
@Entity()
export class Grain {
  @PrimaryColumn() id: number
  @Column() name: string
  @Column({ nullable: true, type: 'int' }) size?: number | null
  @DeleteDateColumn() deletedAt?: Date | null
}

/** Versioned, with a key of two parts. */
@Entity()
export class Berth {
  @PrimaryColumn({ length: 20 }) pier: string
  @PrimaryColumn() place: number
  @Column() name: string
  @VersionColumn() version: number
}

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
export class Vessel {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@ChildEntity()
export class Ferry extends Vessel {
  @Column({ nullable: true, type: 'int' }) decks?: number | null
}

@ChildEntity()
export class Yacht extends Vessel {
  @Column({ nullable: true, type: 'varchar' }) owner?: string | null
}

export const CROWD = [Parcel, Stamp, Token, Grain, Berth, Vessel, Ferry, Yacht]

/** `count` new objects, each with the values that `valuesOf` gives for its number. */
export function many<E extends object>(type: new () => E, count: number, valuesOf: (index: number) => Partial<E>): E[] {
  return Array.from({ length: count }, (_none, index) => Object.assign(new type(), valuesOf(index)))
}
