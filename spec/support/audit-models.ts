/**
 * Entities for specs of the audit trail: members that no cascade takes along, both sides of a many-to-many, a join column that is a property.
 *
 * @module
 */
import 'reflect-metadata'
import { Column, Entity, JoinColumn, JoinTable, ManyToMany, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm'

@Entity()
export class Student {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ nullable: true, type: 'varchar' }) nick?: string | null
  @ManyToMany(() => Course, (course) => course.students) @JoinTable() courses?: Course[]
  @ManyToOne(() => Course, { nullable: true }) favourite?: Course | null
}

@Entity()
export class Course {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
  @ManyToMany(() => Student, (student) => student.courses) students?: Student[]
}

@Entity()
export class Seat {
  @PrimaryColumn({ type: 'varchar', length: 20 }) room: string
  @PrimaryColumn() number: number
  @Column({ nullable: true, type: 'int' }) studentId?: number | null
  @ManyToOne(() => Student, { nullable: true }) @JoinColumn({ name: 'studentId' }) student?: Student | null
}

export const SCHOOL = [Student, Course, Seat]
