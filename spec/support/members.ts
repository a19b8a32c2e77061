/**
 * Entities to be validated: embedded columns, a parent with a subclass, a relation, and columns that the database fills in.
 *
 * @module
 */
import 'reflect-metadata'
import { IsEmail, IsInt, MinLength, ValidateNested } from 'class-validator'
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
  PrimaryGeneratedColumn,
  TableInheritance,
  VersionColumn,
} from 'typeorm'

export class Address {
  @Column({ type: 'varchar', nullable: true }) city?: string | null
  @MinLength(4) @Column({ type: 'varchar', nullable: true }) zip?: string | null
}

@Entity()
export class Team {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToMany(() => Member, (member) => member.team, { cascade: true }) members?: Member[]
}

@Entity()
export class Badge {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
@TableInheritance({ column: { name: 'kind', type: 'varchar' } })
export class Member {
  @PrimaryGeneratedColumn() id: number
  @IsEmail() @Column() email: string
  @MinLength(2) @Column() name: string
  @IsInt() @Column({ type: 'int', default: 1 }) rank: number
  @Column({ type: 'int', nullable: true }) since?: number | null
  @Column({ type: 'int', nullable: true }) until?: number | null
  @Column({ type: 'varchar', nullable: true, select: false }) secret?: string | null
  @ValidateNested() @Column(() => Address) address: Address
  @ManyToOne(() => Team, (team) => team.members, { nullable: true, cascade: ['insert'] }) @JoinColumn({ name: 'teamId' }) team?: Team | null
  @Column({ type: 'int', nullable: true }) teamId?: number | null
  @ManyToMany(() => Badge, { cascade: ['insert'] }) @JoinTable() badges?: Badge[]
  @CreateDateColumn() createdAt: Date
  @DeleteDateColumn() deletedAt?: Date | null
  @VersionColumn() version: number
}

@ChildEntity()
export class Captain extends Member {}

export const MEMBERS = [Team, Badge, Member, Captain]

/** A valid one. */
export function member(values: Partial<Member> = {}, type: new () => Member = Member): Member {
  const address = Object.assign(new Address(), { city: 'Rome', zip: '00100' })
  return Object.assign(new type(), { email: 'ann@example.org', name: 'Ann', rank: 1, address, ...values })
}
