/**
 * Entities of every shape: inheritance, entity schemas, keys given by the caller, cycles, trees.
 *
 * @module
 */
import 'reflect-metadata'
import {
  ChildEntity,
  Column,
  Entity,
  EntitySchema,
  ManyToOne,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
  Tree,
  TreeChildren,
  TreeParent,
} from 'typeorm'

@Entity()
@TableInheritance({ column: { type: 'varchar', name: 'kind' } })
export class Animal {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@ChildEntity()
export class Dog extends Animal {
  @Column({ nullable: true, type: 'varchar' }) trick?: string | null
}

@ChildEntity()
export class Cat extends Animal {
  @Column({ nullable: true, type: 'int' }) lives?: number | null
}

export interface Planet {
  id?: number
  name: string
  moons?: number
}

/** Without a class: its entities are plain objects. */
export const PlanetSchema = new EntitySchema<Planet>({
  name: 'Planet',
  columns: {
    id: { type: 'int', primary: true, generated: true },
    name: { type: 'varchar' },
    moons: { type: 'int', nullable: true },
  },
})

export class Star {
  id: number
  name: string
}

export const StarSchema = new EntitySchema<Star>({
  name: 'Star',
  target: Star,
  columns: { id: { type: 'int', primary: true, generated: true }, name: { type: 'varchar' } },
})

@Entity()
export class Country {
  @PrimaryColumn({ length: 2 }) code: string
  @Column() name: string
}

@Entity()
export class Token {
  @PrimaryGeneratedColumn('uuid') id: string
  @Column() name: string
}

@Entity()
export class Friend {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Friend, { cascade: true, nullable: true }) best?: Friend | null
}

export interface TreeNode {
  id: number
  name: string
  parent?: TreeNode | null
  children?: TreeNode[]
}

@Entity()
@Tree('closure-table')
export class ClosureNode implements TreeNode {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @TreeParent() parent?: ClosureNode | null
  @TreeChildren({ cascade: true }) children?: ClosureNode[]
}

@Entity()
@Tree('materialized-path')
export class PathNode implements TreeNode {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @TreeParent() parent?: PathNode | null
  @TreeChildren({ cascade: true }) children?: PathNode[]
}

@Entity()
@Tree('nested-set')
export class NestedNode implements TreeNode {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @TreeParent() parent?: NestedNode | null
  @TreeChildren({ cascade: true }) children?: NestedNode[]
}

export const SHAPES = [Animal, Dog, Cat, PlanetSchema, StarSchema, Country, Token, Friend]
export const TREES = [ClosureNode, PathNode, NestedNode]
