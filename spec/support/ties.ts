/**
 * Entities whose rows are tied to each other: by versions, unique values, circles of keys and every way of treating orphans.
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
  PrimaryColumn,
  PrimaryGeneratedColumn,
  type Relation,
  Unique,
  VersionColumn,
} from 'typeorm'

@Entity()
export class Account {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ default: 0 }) balance: number
  @Column({ type: 'simple-json', nullable: true }) data?: { tags: string[] } | null
  @VersionColumn() version: number
}

/** Versioned, in another table, with a key of two parts. */
@Entity()
export class Entry {
  @PrimaryColumn() book: string
  @PrimaryColumn() page: number
  @Column() text: string
  @VersionColumn() version: number
}

/** Not versioned. */
@Entity()
export class Memo {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
  @Column({ default: 'draft' }) mood: string
  @Column({ nullable: true, type: 'varchar' }) hint?: string | null
  @DeleteDateColumn() deletedAt?: Date | null
}

/** Its unique value may be missing for a while. */
@Entity()
export class Desk {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column({ nullable: true, unique: true, type: 'varchar' }) code?: string | null
}

/** Its unique value may not. */
@Entity()
export class Plate {
  @PrimaryColumn() id: number
  @Column({ unique: true }) code: string
  @Column({ default: 'white' }) color: string
}

/** Unique, and kept when it is removed. */
@Entity()
export class Coupon {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) code: string
  @DeleteDateColumn() deletedAt?: Date | null
}

@Entity()
@Unique(['street', 'number'])
export class House {
  @PrimaryGeneratedColumn() id: number
  @Column() street: string
  @Column({ nullable: true, type: 'int' }) number?: number | null
}

@Entity()
export class Captain {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToOne(() => Ship, { nullable: true }) @JoinColumn() ship?: Ship | null
}

@Entity()
export class Ship {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

/** The boss works for the firm: a circle with one nullable key. */
@Entity()
export class Firm {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Worker, { nullable: true }) boss?: Worker | null
}

@Entity()
export class Worker {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Firm, { nullable: false }) firm: Firm
}

/**
 * Neither can be inserted without the other. TypeORM refuses circles of relations that are not nullable, so here their columns are not:
 * `nullable` of a relation means nothing where a column of its own declares the key.
 */
@Entity()
export class Hen {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column() eggId: number
  @ManyToOne(() => Egg) @JoinColumn({ name: 'eggId' }) egg: Relation<Egg>
}

@Entity()
export class Egg {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @Column() henId: number
  @ManyToOne(() => Hen) @JoinColumn({ name: 'henId' }) hen: Hen
}

@Entity()
export class Folder {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Folder, (folder) => folder.children, { nullable: true }) parent?: Folder | null
  @OneToMany(() => Folder, (folder) => folder.parent, { cascade: true }) children?: Folder[]
}

@Entity()
export class Album {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToMany(() => Photo, (photo) => photo.album, { cascade: true }) photos?: Photo[]
  @OneToMany(() => Print, (print) => print.album, { cascade: true }) prints?: Print[]
  @OneToMany(() => Frame, (frame) => frame.album, { cascade: true }) frames?: Frame[]
  @OneToMany(() => Proof, (proof) => proof.album, { cascade: true }) proofs?: Proof[]
  @ManyToMany(() => Hall, (hall) => hall.albums, { cascade: ['insert'] }) @JoinTable() halls?: Hall[]
  @DeleteDateColumn() deletedAt?: Date | null
}

/** Orphaned: loses its album. */
@Entity()
export class Photo {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Album, (album) => album.photos, { nullable: true, orphanedRowAction: 'nullify' }) album?: Album | null
}

/** Orphaned: deleted. */
@Entity()
export class Print {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Album, (album) => album.prints, { nullable: false, orphanedRowAction: 'delete' }) album: Album
}

/** Orphaned: soft-removed. */
@Entity()
export class Frame {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Album, (album) => album.frames, { nullable: true, orphanedRowAction: 'soft-delete' }) album?: Album | null
  @DeleteDateColumn() deletedAt?: Date | null
}

/** Orphaned: left alone. */
@Entity()
export class Proof {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Album, (album) => album.proofs, { nullable: true, orphanedRowAction: 'disable' }) album?: Album | null
}

@Entity()
export class Hall {
  @PrimaryGeneratedColumn() id: number
  @Column({ unique: true }) name: string
  @ManyToMany(() => Album, (album) => album.halls) albums?: Album[]
}

/** Cascades in both directions, removal included. */
@Entity()
export class Root {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @OneToMany(() => Leaf, (leaf) => leaf.root, { cascade: ['insert', 'remove', 'soft-remove', 'recover'] }) leaves?: Leaf[]
  @DeleteDateColumn() deletedAt?: Date | null
}

@Entity()
export class Leaf {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
  @ManyToOne(() => Root, (root) => root.leaves, { cascade: ['insert'], nullable: true }) root?: Root | null
  @ManyToOne(() => Memo, { nullable: true }) memo?: Memo | null
  @DeleteDateColumn() deletedAt?: Date | null
}

export const TIES = [
  Account,
  Entry,
  Memo,
  Desk,
  Plate,
  Coupon,
  House,
  Captain,
  Ship,
  Firm,
  Worker,
  Hen,
  Egg,
  Folder,
  Album,
  Photo,
  Print,
  Frame,
  Proof,
  Hall,
  Root,
  Leaf,
]
