/**
 * A crew: rows that hold each other's keys by a unique relation and by a plain one, and rows whose key is two relations.
 *
 * @module
 */
import 'reflect-metadata'
import { Column, Entity, JoinColumn, ManyToOne, OneToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm'

@Entity()
export class Bunk {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
export class Sailor {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ type: 'varchar', nullable: true, unique: true }) callSign?: string | null
  @OneToOne(() => Bunk, { nullable: true }) @JoinColumn() bunk?: Bunk | null
  @ManyToOne(() => Sailor, { nullable: true }) mentor?: Sailor | null
}

/** Who keeps which bunk clean: both relations are its key. */
@Entity()
export class Duty {
  @PrimaryColumn() sailorId: number
  @PrimaryColumn() bunkId: number
  @ManyToOne(() => Sailor, { nullable: false }) @JoinColumn({ name: 'sailorId' }) sailor?: Sailor
  @ManyToOne(() => Bunk, { nullable: false }) @JoinColumn({ name: 'bunkId' }) bunk?: Bunk
  @Column({ default: 'daily' }) rota: string
}

export const CREW = [Bunk, Sailor, Duty]
