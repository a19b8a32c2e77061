/**
 * Entities with columns that are hard to compare, and one with a composite key.
 *
 * @module
 */
import 'reflect-metadata'
import { Column, Entity, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm'
import { databaseName } from './databases.js'

const onPostgres = databaseName() === 'postgres'

/** A day as a value object, kept in a date column by a transformer. */
export class Day {
  constructor(readonly text: string) {}

  static readonly transformer = {
    to: (day?: Day | null) => (day ? new Date(`${day.text}T00:00:00Z`) : day),
    from: (date?: Date | string | null) => (date ? new Day(new Date(date).toISOString().slice(0, 10)) : null),
  }
}

@Entity()
export class Sample {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ type: 'simple-json', nullable: true }) data?: { list: number[] } | null
  @Column({ type: 'bigint', nullable: true }) big?: string | number | null
  @Column({ type: 'decimal', precision: 10, scale: 2, nullable: true }) price?: string | number | null
  @Column({ type: onPostgres ? 'bytea' : 'blob', nullable: true }) bytes?: Buffer | null
  @Column({ type: onPostgres ? 'timestamptz' : 'datetime', nullable: true, transformer: Day.transformer }) day?: Day | null
}

@Entity()
export class Part {
  @PrimaryColumn() maker: string
  @PrimaryColumn() number: number
  @Column() name: string
  @ManyToOne(() => Part, { nullable: true }) replaces?: Part | null
}

export const COLUMNS = [Sample, Part]
