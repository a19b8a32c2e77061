/**
 * Entities whose ids and authors are filled in: by decorators of a base class, of an embedded one, and on relations.
 *
 * @module
 */
import 'reflect-metadata'
import { AutoId, LatestAuthor, OriginalAuthor } from 'flushpoint/extensions'
import {
  ChildEntity,
  Column,
  DeleteDateColumn,
  Entity,
  JoinColumn,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
} from 'typeorm'

@Entity()
export class User {
  @PrimaryColumn({ type: 'int' }) id: number
  @Column() name: string
}

/** No entity itself. */
export abstract class BaseModel {
  @AutoId() @PrimaryColumn({ type: 'varchar', length: 8 }) id: string
  @OriginalAuthor() @Column({ type: 'varchar', nullable: true }) createdBy?: string | null
  @LatestAuthor() @Column({ type: 'varchar', nullable: true }) updatedBy?: string | null
}

@Entity()
export class Company extends BaseModel {
  @Column() name: string
  @OneToMany(() => Deal, (deal) => deal.company, { cascade: true }) deals?: Deal[]
}

@Entity()
export class Label {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
export class Deal extends BaseModel {
  @Column() title: string
  @Column({ type: 'varchar', nullable: true }) note?: string | null
  @ManyToOne(() => Company, (company) => company.deals, { cascade: ['insert'], nullable: true }) company?: Company | null
  @ManyToMany(() => Label, { cascade: true }) @JoinTable() labels?: Label[]
  @DeleteDateColumn() deletedAt?: Date | null
}

/** No entity itself; its id is no key. */
export abstract class Coded {
  @AutoId() @Column({ type: 'varchar', length: 8, nullable: true }) code?: string | null
}

@Entity()
export class Shelf extends Coded {
  @PrimaryGeneratedColumn() id: number
}

/** A link: its key is made of the keys of others. */
@Entity()
export class DealCompany extends Coded {
  @PrimaryColumn({ type: 'varchar', length: 8 }) dealId: string
  @PrimaryColumn({ type: 'varchar', length: 8 }) companyId: string
  @ManyToOne(() => Deal, { nullable: false }) @JoinColumn({ name: 'dealId' }) deal: Deal
  @ManyToOne(() => Company, { nullable: false }) @JoinColumn({ name: 'companyId' }) company: Company
}

/** Authors are relations; one has its join column as a property. */
@Entity()
export class Letter {
  @AutoId() @PrimaryColumn({ type: 'varchar', length: 8 }) id: string
  @Column() text: string
  @OriginalAuthor() @ManyToOne(() => User, { nullable: true }) sender?: User | null
  @LatestAuthor() @ManyToOne(() => User, { nullable: true }) @JoinColumn({ name: 'editorId' }) editor?: User | null
  @Column({ type: 'int', nullable: true }) editorId?: number | null
}

/** Embedded in others. */
export class Authors {
  @OriginalAuthor() @Column({ type: 'varchar', nullable: true }) first?: string | null
  @LatestAuthor() @Column({ type: 'int', nullable: true }) last?: number | null
}

@Entity()
export class Page {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
  @Column(() => Authors) authors: Authors
}

/** One table for all of them. */
@Entity()
@TableInheritance({ column: { name: 'kind', type: 'varchar' } })
export class Asset {
  @AutoId() @PrimaryColumn({ type: 'varchar', length: 8 }) id: string
  @Column() name: string
}

@ChildEntity()
export class Picture extends Asset {}

@ChildEntity()
export class Film extends Asset {}

export const DEALS = [User, Company, Label, Deal, Shelf, DealCompany, Letter, Page, Asset, Picture, Film]

/** Answers these one after another, and then fails. */
export function sequence(...ids: readonly string[]): () => string {
  const left = [...ids]
  return () => {
    const id = left.shift()
    if (id === undefined) throw new Error('nothing is left')
    return id
  }
}
