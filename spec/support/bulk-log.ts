/**
 * Entities that are written by query, and a log of the bulk hooks.
 *
 * @module
 */
import { SessionExtension, type BulkImages, type BulkStatement, type SessionExtensionInput } from 'flushpoint'
import { ChildEntity, Column, DeleteDateColumn, Entity, JoinTable, ManyToMany, PrimaryGeneratedColumn, TableInheritance } from 'typeorm'
import { tellAll } from './transaction-log.js'

@Entity()
export class Item {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) name: string
  @Column({ default: 0 }) stock: number
  @ManyToMany(() => Shelf) @JoinTable() shelves?: Shelf[]
  @DeleteDateColumn() deletedAt?: Date | null
}

@Entity()
export class Shelf {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
@TableInheritance({ column: { name: 'kind', type: 'varchar' } })
export class Animal {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@ChildEntity()
export class Dog extends Animal {
  @Column({ default: 0 }) tricks: number
}

@ChildEntity()
export class Cat extends Animal {}

export const BULK_ENTITIES = [Item, Shelf, Animal, Dog, Cat]

/** Everything a bulk statement says about itself, as plain data. */
export function factsOf({ kind, target, where, values, affected }: BulkStatement): Record<string, unknown> {
  return { kind, target: typeof target === 'string' ? target : target.name, where, values, affected }
}

/** A session extension that keeps the facts of each beforeBulk and afterBulk, and asks for images. */
export function bulkLog(images?: BulkImages) {
  const before: Record<string, unknown>[] = []
  const after: Record<string, unknown>[] = []
  const changes: (string | undefined)[] = []
  const extension: SessionExtensionInput = class BulkLog extends SessionExtension {
    override beforeBulk(statement: BulkStatement) {
      before.push(factsOf(statement))
      if (images !== undefined) statement.wantImages(images)
    }
    override afterBulk(statement: BulkStatement) {
      after.push(factsOf(statement))
      changes.push(statement.changes && tellAll(statement.changes))
    }
  }
  return { extension, before, after, changes }
}
