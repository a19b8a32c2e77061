/**
 * The entities of the model-based specs of sessions: one of each kind of relation, unique values, a version and a delete date.
 *
 * @module
 */
import 'reflect-metadata'
import {
  Column,
  DeleteDateColumn,
  Entity,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryGeneratedColumn,
  VersionColumn,
} from 'typeorm'

@Entity()
export class Club {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ type: 'varchar', nullable: true, unique: true }) code?: string | null
}

@Entity()
export class Badge {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
export class Player {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ type: 'varchar', nullable: true, unique: true }) code?: string | null
  @Column({ type: 'simple-json', nullable: true }) data?: { list: number[] } | null
  @VersionColumn() version: number
  @DeleteDateColumn() deletedAt?: Date | null
  @ManyToOne(() => Club, { cascade: ['insert'], nullable: true }) club?: Club | null
  @ManyToMany(() => Badge, { cascade: ['insert'] }) @JoinTable({ name: 'player_badges' }) badges?: Badge[]
  @OneToMany(() => Kit, (kit) => kit.owner, { cascade: ['insert'] }) kits?: Kit[]
}

@Entity()
export class Kit {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Player, (player) => player.kits, { nullable: true, onDelete: 'SET NULL' }) owner?: Player | null
}

export const CLUB = [Club, Badge, Player, Kit]
