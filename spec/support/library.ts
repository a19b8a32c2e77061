/**
 * Entities with embedded columns and relations, and with lazy relations.
 *
 * @module
 */
import 'reflect-metadata'
import { Column, Entity, JoinTable, ManyToMany, ManyToOne, PrimaryGeneratedColumn } from 'typeorm'

@Entity()
export class Writer {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
export class Topic {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

export class Imprint {
  @Column({ nullable: true, type: 'varchar' }) place?: string | null
  @Column({ nullable: true, type: 'int' }) year?: number | null
  @ManyToOne(() => Writer, { cascade: ['insert'], nullable: true }) editor?: Writer | null
  @ManyToMany(() => Topic, { cascade: true }) @JoinTable() topics?: Topic[]
}

@Entity()
export class Book {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column(() => Imprint) imprint: Imprint
}

@Entity()
export class Essay {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Writer, { cascade: ['insert'], nullable: true, lazy: true }) writer: Promise<Writer | null>
  @ManyToMany(() => Topic, { cascade: true, lazy: true }) @JoinTable() topics: Promise<Topic[]>
}

export const LIBRARY = [Writer, Topic, Book, Essay]
