/**
 * Entities whose columns are filled in by the database or by TypeORM, and keys that are made.
 *
 * @module
 */
import 'reflect-metadata'
import {
  Column,
  CreateDateColumn,
  DeleteDateColumn,
  Entity,
  Generated,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  UpdateDateColumn,
  VersionColumn,
  type ColumnOptions,
} from 'typeorm'
import { databaseName } from './databases.js'

const onPostgres = databaseName() === 'postgres'
const onMariadb = databaseName() === 'mariadb'
const quoted = (name: string) => (onMariadb ? `\`${name}\`` : `"${name}"`)
const NOW: ColumnOptions = onPostgres
  ? { type: 'timestamptz', precision: 3, default: () => 'CURRENT_TIMESTAMP(3)' }
  : { type: 'datetime', default: () => 'CURRENT_TIMESTAMP' }

/** One column for each way in which a value comes into being. */
export class Filled {
  @Column() name: string
  @Column() @Generated('uuid') token: string
  @Column({ default: 'plain "style"' }) style: string
  @Column({ type: 'int', default: 7 }) weight: number
  @Column({ type: Boolean, default: true }) isOpen: boolean
  @Column({ type: 'decimal', precision: 10, scale: 2, default: 1.5, nullable: true }) price: string | number | null
  @Column(NOW) born: Date
  @Column({ type: 'int', asExpression: `${quoted('weight')} * 2`, generatedType: 'STORED', nullable: true, insert: false, update: false })
  doubled: number
  @Column({ type: 'varchar', nullable: true, update: false }) once?: string | null
  @Column({ type: 'varchar', default: 'early', update: false }) onceFilled: string
  @Column({ type: 'varchar', nullable: true, insert: false }) late?: string | null
  @Column({ type: 'varchar', nullable: true, insert: false, update: false }) never?: string | null
  @Column({ type: 'varchar', nullable: true, select: false }) hidden?: string | null
  @Column({ type: 'varchar', default: 'secret', select: false }) hiddenFilled?: string
  @CreateDateColumn() createdAt: Date
  @UpdateDateColumn() updatedAt: Date
  @DeleteDateColumn() deletedAt?: Date | null
  @VersionColumn() version: number
}

@Entity()
export class FilledByIncrement extends Filled {
  @PrimaryGeneratedColumn() id: number
}

@Entity()
export class FilledByUuid extends Filled {
  @PrimaryGeneratedColumn('uuid') id: string
}

/** Its key is given, so that what is read back is told by it. */
@Entity()
export class FilledByHand extends Filled {
  @PrimaryColumn({ length: 40 }) id: string
}

@Entity()
export class FilledByBigint extends Filled {
  @PrimaryGeneratedColumn({ type: databaseName() === 'sqlite' || databaseName() === 'better-sqlite3' ? 'integer' : 'bigint' }) id: string
}

/** Of two parts, one with a default. */
@Entity()
export class FilledByTwo extends Filled {
  @PrimaryColumn({ length: 40 }) id: string
  @PrimaryColumn({ type: 'int' }) part: number
}

class Identified {
  @Column() name: string
  @Column({ default: 'plain' }) style: string
}

@Entity()
export class ByDefault extends Identified {
  @PrimaryGeneratedColumn('identity', { generatedIdentity: 'BY DEFAULT' }) id: number
}

@Entity()
export class Always extends Identified {
  @PrimaryGeneratedColumn('identity', { generatedIdentity: 'ALWAYS' }) id: number
}

/** A counter besides the key. */
@Entity()
export class Counted extends Identified {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column({ type: 'int' }) @Generated('increment') number: number
}

export const FILLED = [FilledByIncrement, FilledByUuid, FilledByHand, FilledByBigint, FilledByTwo]
export const IDENTIFIED = onPostgres ? [ByDefault, Always, Counted] : []
