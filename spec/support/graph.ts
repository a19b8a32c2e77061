/**
 * Entities with the relations the shared models lack: both sides of a many-to-many, one with itself, orphans of every kind, one-to-one.
 *
 * @module
 */
import 'reflect-metadata'
import {
  Column,
  DeleteDateColumn,
  Entity,
  JoinColumn,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryGeneratedColumn,
} from 'typeorm'

@Entity()
export class Student {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToMany(() => Course, (course) => course.students, { cascade: true }) courses?: Course[]
}

@Entity()
export class Course {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToMany(() => Student, (student) => student.courses, { cascade: ['insert', 'update'] }) @JoinTable() students?: Student[]
}

@Entity()
export class Person {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToMany(() => Person, (person) => person.followers, { cascade: true }) @JoinTable() follows?: Person[]
  @ManyToMany(() => Person, (person) => person.follows) followers?: Person[]
  @OneToOne(() => Passport, (passport) => passport.holder, { cascade: true }) passport?: Passport | null
}

@Entity()
export class Passport {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToOne(() => Person, (person) => person.passport, { nullable: true }) @JoinColumn() holder?: Person | null
}

@Entity()
export class Basket {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ default: 0 }) total: number
  @OneToMany(() => Line, (line) => line.basket, { cascade: true }) lines?: Line[]
  @OneToMany(() => Slip, (slip) => slip.basket, { cascade: true }) slips?: Slip[]
  @DeleteDateColumn() deletedAt?: Date | null
}

/** Deleted when its basket drops it. */
@Entity()
export class Line {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Basket, (basket) => basket.lines, { nullable: false, orphanedRowAction: 'delete' }) basket: Basket
  @DeleteDateColumn() deletedAt?: Date | null
}

/** Soft-removed when its basket drops it. */
@Entity()
export class Slip {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Basket, (basket) => basket.slips, { nullable: true, orphanedRowAction: 'soft-delete' }) basket?: Basket | null
  @DeleteDateColumn() deletedAt?: Date | null
}

export const GRAPH = [Student, Course, Person, Passport, Basket, Line, Slip]
