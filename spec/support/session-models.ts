/**
 * Entities that are hard for a session to know again: keys, columns and relations of every kind.
 *
 * @module
 */
import 'reflect-metadata'
import {
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
  UpdateDateColumn,
  VersionColumn,
  type ColumnOptions,
} from 'typeorm'
import { databaseName } from './databases.js'
import { Day } from './columns.js'

const onPostgres = databaseName() === 'postgres'
const onMariadb = databaseName() === 'mariadb'

const JSON_TYPE = onPostgres ? 'jsonb' : onMariadb ? 'json' : 'simple-json'
const BYTES: ColumnOptions = onPostgres ? { type: 'bytea' } : { type: 'blob' }
const MOMENT = { type: onPostgres ? 'timestamptz' : 'datetime', ...(onPostgres || onMariadb ? { precision: 3 } : {}) } as const

/** An amount of money that may be changed in place; kept as text by a transformer. */
export class Money {
  amount: number
  currency: string

  constructor(amount: number, currency: string) {
    this.amount = amount
    this.currency = currency
  }

  static readonly transformer = {
    to: (money?: Money | null) => (money ? `${money.amount} ${money.currency}` : money),
    from: (text?: string | null) => {
      if (!text) return null
      const [amount, currency] = text.split(' ')
      return new Money(Number(amount), currency!)
    },
  }
}

/** Encrypts, as far as specs care: the same value becomes another text each time. */
let salt = 0
const sealed = {
  to: (text?: string | null) => (typeof text === 'string' ? `${++salt}:${text}` : text),
  from: (text?: string | null) => (typeof text === 'string' ? text.slice(text.indexOf(':') + 1) : text),
}

export enum Mood {
  glad = 'glad',
  sad = 'sad',
  none = 'no mood',
}

export class Spot {
  @Column({ type: 'int', nullable: true }) x?: number | null
  @Column({ type: 'int', nullable: true }) y?: number | null
}

export class Place {
  @Column({ type: 'varchar', nullable: true }) city?: string | null
  @Column({ type: JSON_TYPE, nullable: true }) notes?: Record<string, unknown> | null
  @Column({ type: 'varchar', nullable: true, transformer: Money.transformer }) rent?: Money | null
  @Column(() => Spot) spot: Spot
}

/** A column of every kind. All may be null, so that specs set what they look at. */
@Entity()
export class Kinds {
  @PrimaryGeneratedColumn() id: number
  @Column({ type: 'varchar', nullable: true }) text?: string | null
  @Column({ type: 'int', nullable: true }) whole?: number | null
  @Column({ type: onPostgres ? 'double precision' : onMariadb ? 'double' : 'real', nullable: true }) real?: number | null
  @Column({ type: 'bigint', nullable: true }) big?: string | number | null
  @Column({ type: 'decimal', precision: 20, scale: 4, nullable: true }) decimal?: string | number | null
  @Column({ type: 'boolean', nullable: true }) flag?: boolean | null
  @Column({ type: 'date', nullable: true }) date?: string | null
  @Column({ ...MOMENT, nullable: true }) moment?: Date | null
  @Column({ ...BYTES, nullable: true }) bytes?: Buffer | null
  @Column({ type: JSON_TYPE, nullable: true }) json?: unknown
  @Column({ type: 'simple-json', nullable: true }) simpleJson?: unknown
  @Column({ type: 'simple-array', nullable: true }) simpleArray?: string[] | null
  @Column(onPostgres ? { type: 'text', array: true, nullable: true } : { type: 'simple-json', nullable: true }) texts?: string[] | null
  @Column(onPostgres ? { type: 'int', array: true, nullable: true } : { type: 'simple-json', nullable: true }) wholes?: number[] | null
  @Column({ type: onPostgres || onMariadb ? 'enum' : 'simple-enum', enum: Mood, nullable: true }) mood?: Mood | null
  @Column({ type: 'simple-enum', enum: Mood, nullable: true }) simpleMood?: Mood | null
  @Column({ type: 'varchar', nullable: true, transformer: Money.transformer }) price?: Money | null
  @Column({ ...MOMENT, nullable: true, transformer: Day.transformer }) day?: Day | null
  @Column({ type: 'varchar', nullable: true, transformer: sealed }) secret?: string | null
  @Column({ type: 'varchar', nullable: true, select: false }) hidden?: string | null
  @Column(() => Place) place: Place
}

/** Everything the database or TypeORM fills in. */
@Entity()
export class Stamped {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column() name: string
  @Column({ default: 'plain' }) style: string
  @Column({ type: 'int', default: 7 }) weight: number
  @CreateDateColumn() createdAt: Date
  @UpdateDateColumn() updatedAt: Date
  @DeleteDateColumn() deletedAt?: Date | null
  @VersionColumn() version: number
}

/** Keys of every kind. */
@Entity()
export class BigKey {
  @PrimaryColumn({ type: 'bigint' }) id: string
  @Column() name: string
}

@Entity()
export class DayKey {
  @PrimaryColumn({ ...MOMENT, transformer: Day.transformer }) day: Day
  @Column() name: string
}

@Entity()
export class Shop {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToMany(() => Price, (price) => price.shop, { cascade: true }) prices?: Price[]
}

/** Its key is a relation and a column. */
@Entity()
export class Price {
  @PrimaryColumn({ length: 40 }) good: string
  @ManyToOne(() => Shop, (shop) => shop.prices, { nullable: false }) @JoinColumn({ name: 'shopId' }) shop?: Shop
  @PrimaryColumn() shopId: number
  @Column() amount: number
}

/** The join column is declared beside the relation. */
@Entity()
export class Post {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
  @Column({ type: 'int', nullable: true }) authorId?: number | null
  @ManyToOne(() => Poster, (poster) => poster.posts, { nullable: true, cascade: ['insert'] })
  @JoinColumn({ name: 'authorId' })
  author?: Poster | null
}

@Entity()
export class Poster {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToMany(() => Post, (post) => post.author) posts?: Post[]
}

/** All its relations are eager. */
@Entity()
export class Album {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Band, { eager: true, nullable: true, cascade: true }) band?: Band | null
  @OneToMany(() => Track, (track) => track.album, { eager: true, cascade: true }) tracks: Track[]
  @ManyToMany(() => Genre, { eager: true, cascade: true }) @JoinTable() genres: Genre[]
}

@Entity()
export class Band {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
export class Track {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Album, (album) => album.tracks, { nullable: true }) album?: Album | null
}

@Entity()
export class Genre {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

/** All its relations are lazy. */
@Entity()
export class Team {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToMany(() => Player, (player) => player.team, { lazy: true, cascade: true }) players: Promise<Player[]>
  @ManyToMany(() => Cup, (cup) => cup.teams, { lazy: true, cascade: true }) @JoinTable() cups: Promise<Cup[]>
  @OneToOne(() => Coach, (coach) => coach.team, { lazy: true }) coach: Promise<Coach | null>
}

@Entity()
export class Player {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Team, (team) => team.players, { lazy: true, nullable: true, cascade: ['insert'] }) team: Promise<Team | null>
}

@Entity()
export class Coach {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToOne(() => Team, (team) => team.coach, { lazy: true, nullable: true }) @JoinColumn() team: Promise<Team | null>
}

@Entity()
export class Cup {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToMany(() => Team, (team) => team.cups, { lazy: true }) teams: Promise<Team[]>
}

export const SESSION_MODELS = [
  ...[Kinds, Stamped, BigKey, DayKey, Shop, Price, Post, Poster],
  ...[Album, Band, Track, Genre, Team, Player, Coach, Cup],
]
