/**
 * Entities for specs of signals: albums with members of every kind, a class with subclasses, and a list that receivers write to.
 *
 * @module
 */
import 'reflect-metadata'
import {
  ChildEntity,
  Column,
  DeleteDateColumn,
  Entity,
  EntitySchema,
  JoinTable,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
  TableInheritance,
} from 'typeorm'

/** No entity itself. */
export abstract class Named {
  @PrimaryGeneratedColumn() id: number
  @Column() name: string
}

@Entity()
export class Album extends Named {
  @Column({ type: 'int', default: 0 }) plays: number
  @Column({ type: 'boolean', default: false }) isBestSeller: boolean
  @ManyToOne(() => Artist, { nullable: true, cascade: ['insert'] }) artist?: Artist | null
  @OneToMany(() => Track, (track) => track.album, { cascade: ['insert', 'update'] }) tracks?: Track[]
  @OneToMany(() => Credit, (credit) => credit.album, { cascade: true }) credits?: Credit[]
  @ManyToMany(() => Genre, (genre) => genre.albums, { cascade: ['insert', 'update'] }) @JoinTable() genres?: Genre[]
  @DeleteDateColumn() deletedAt?: Date | null
}

/** Loses its album when it is taken out; goes with it when that is deleted. */
@Entity()
export class Track extends Named {
  @ManyToOne(() => Album, (album) => album.tracks, { nullable: true, onDelete: 'CASCADE' }) album?: Album | null
  @ManyToOne(() => Album, { nullable: true }) bonusOf?: Album | null
}

@Entity()
export class Genre extends Named {
  @ManyToMany(() => Album, (album) => album.genres, { cascade: ['insert'] }) albums?: Album[]
}

@Entity()
export class Artist extends Named {}

/** A link between an album and an artist that has a value of its own; deleted when it is taken out. */
@Entity()
export class Credit {
  @PrimaryGeneratedColumn() id: number
  @Column({ type: 'int', default: 0 }) place: number
  @ManyToOne(() => Album, (album) => album.credits, { nullable: false, orphanedRowAction: 'delete' }) album: Album
  @ManyToOne(() => Artist, { nullable: false, cascade: ['insert'] }) artist: Artist
}

@Entity()
@TableInheritance({ column: { name: 'kind', type: 'varchar' } })
export class Release extends Named {}

@ChildEntity()
export class Single extends Release {}

@ChildEntity()
export class MaxiSingle extends Single {}

/** Mapped without a decorator. */
export class Label {
  id: number
  name: string
}

export const LabelSchema = new EntitySchema<Label>({
  name: 'Label',
  target: Label,
  columns: { id: { type: 'int', primary: true, generated: true }, name: { type: 'varchar', length: 100 } },
})

/** Its key is given. */
@Entity()
export class Format {
  @PrimaryColumn({ length: 20 }) code: string
  @Column() name: string
}

@Entity()
export class AuditLine {
  @PrimaryGeneratedColumn() id: number
  @Column() text: string
}

export const MUSIC = [Album, Track, Genre, Artist, Credit, Release, Single, MaxiSingle, LabelSchema, Format, AuditLine]
