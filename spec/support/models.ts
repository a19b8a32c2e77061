/**
 * The entities most specs share, and a log that extensions write what they see to.
 *
 * @module
 */
import 'reflect-metadata'
import {
  Column,
  CreateDateColumn,
  DeleteDateColumn,
  Entity,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryGeneratedColumn,
  UpdateDateColumn,
  VersionColumn,
} from 'typeorm'

@Entity()
export class Author {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToMany(() => Article, (article) => article.author, { cascade: true }) articles?: Article[]
}

@Entity()
export class Tag {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) name: string
}

@Entity()
export class Article {
  @PrimaryGeneratedColumn() id: number
  @Column() title: string
  @Column({ nullable: true, type: 'varchar' }) slug?: string | null
  @Column({ nullable: true, type: 'varchar' }) createdBy?: string | null
  @ManyToOne(() => Author, (author) => author.articles, { cascade: ['insert'], nullable: true }) author?: Author | null
  @ManyToMany(() => Tag, { cascade: true }) @JoinTable() tags?: Tag[]
  @OneToMany(() => Comment, (comment) => comment.article, { cascade: true }) comments?: Comment[]
}

@Entity()
export class Comment {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
  @ManyToOne(() => Article, (article) => article.comments, { nullable: true, onDelete: 'CASCADE' }) article?: Article | null
}

@Entity()
export class Note {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
  @Column({ nullable: true, type: 'varchar' }) reason?: string | null
  @CreateDateColumn() createdAt: Date
  @UpdateDateColumn() updatedAt: Date
  @DeleteDateColumn() deletedAt?: Date | null
  @VersionColumn() version: number
}

export const ENTITIES = [Author, Tag, Article, Comment, Note]

export function make<E extends object>(type: new () => E, values: Partial<E>): E {
  return Object.assign(new type(), values)
}
